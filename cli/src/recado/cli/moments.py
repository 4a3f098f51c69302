"""Moments as a person types them: ISO 8601, or how long ago (`90s`, `2h`, `1d12h`)."""

import re
from datetime import datetime, timedelta

from recado.cli.output import CliError

UNITS = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
_AGO = re.compile(r"(?:\d{1,9}[smhdw])+", re.ASCII)
_STEP = re.compile(r"(\d+)([smhdw])", re.ASCII)


def moment(typed: str, *, now: datetime) -> datetime:
    """The moment that was typed, aware. A time without a zone is of this machine's zone.

    Raises `CliError` where it is no time.
    """
    try:
        if _AGO.fullmatch(typed):
            steps = (int(count) * UNITS[unit] for count, unit in _STEP.findall(typed))
            return now - sum(steps, timedelta())
        # A time without a zone is local; `astimezone` takes it so and keeps any other.
        given = datetime.fromisoformat(typed)
        return given.astimezone() if given.tzinfo is None else given
    except (ValueError, OverflowError, OSError):
        raise CliError(
            f"{typed!r} is no time; write 2026-11-22T15:30, 2026-11-22T15:30:00Z "
            "or how long ago, such as 90s, 2h or 1d12h.",
            exit_status=2,
        ) from None
