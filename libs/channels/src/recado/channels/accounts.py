"""The configured accounts in use: kept up to date with the integrations file.

The same in every service that holds to them. A new version takes effect for what begins after it.
One that can't be used changes nothing: whoever is told (log, metric) and readiness say so, and the
service stays ready.
"""

from collections.abc import Callable, Iterable, Sequence

from recado.channels.contract import Integration
from recado.channels.watching import IntegrationsFile

Use = Callable[[Iterable[Integration]], None]
"""Holds to these accounts from now on."""

Tell = Callable[[Sequence[str]], None]
"""Tells of a new version, after it is in use: what keeps it from that, nothing if it is."""


class Accounts:
    """Hands the accounts to those who hold to them, at first and after each change."""

    def __init__(self, file: IntegrationsFile, users: Sequence[Use], tell: Tell) -> None:
        """The first version is in use when this returns. Raises `InvalidIntegrations`."""
        self._file = file
        self._users = tuple(users)
        self._tell = tell
        self._problems: tuple[str, ...] = ()
        self._use(file.load())

    async def run(self) -> None:
        """Follow the file, until cancelled."""
        async for version in self._file.versions():
            if version.integrations is not None:
                self._use(version.integrations)
            self._problems = version.problems
            self._tell(version.problems)

    async def warning(self) -> str | None:
        """What readiness says while an older version than that of the file is in use."""
        if not self._problems:
            return None
        first, *others = self._problems
        more = f" (and {len(others)} more)" if others else ""
        return f"an older version is in use; {first}{more}"

    def _use(self, integrations: Iterable[Integration]) -> None:
        for use in self._users:
            use(integrations)
