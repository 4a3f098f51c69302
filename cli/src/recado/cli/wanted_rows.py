"""Which rows of MongoDB are shown: what was typed as MongoDB filters. No I/O."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from recado.cli.moments import moment
from recado.cli.output import CliError

Filter = dict[str, object]

When = "ISO 8601, or how long ago: 90s, 2h, 1d12h."


class State(StrEnum):
    """How a conversation stands."""

    ACTIVE = "active"
    CLOSED = "closed"
    HANDED_OFF = "handed-off"
    BLOCKED = "blocked"


class Role(StrEnum):
    """Who said it."""

    USER = "user"
    ASSISTANT = "assistant"


_STATES: Mapping[State, Filter] = {
    State.ACTIVE: {"is_active": True},
    State.CLOSED: {"is_active": False},
    State.HANDED_OFF: {"handoff": {"$ne": None}},
    State.BLOCKED: {"blocked_at": {"$ne": None}},
}


@dataclass(frozen=True, slots=True)
class Span:
    """From when on, and before when."""

    since: datetime | None = None
    until: datetime | None = None

    def of(self, field: str) -> Filter:
        """The filter of a field that holds a time."""
        bounds = {"$gte": self.since, "$lt": self.until}
        given = {name: at for name, at in bounds.items() if at is not None}
        return {field: given} if given else {}


def span(since: str | None, until: str | None) -> Span:
    """What was typed for --since and --until. Raises `CliError`."""
    now = datetime.now(UTC)
    asked = Span(
        None if since is None else moment(since, now=now),
        None if until is None else moment(until, now=now),
    )
    if asked.since is not None and asked.until is not None and asked.until <= asked.since:
        raise CliError("--until is not after --since.", exit_status=2)
    return asked


def equal(**fields: str | int | None) -> Filter:
    """The fields that were given, each equal to what was typed."""
    return {name: value for name, value in fields.items() if value is not None}


def in_state(state: State | None, *, closed_too: bool) -> Filter:
    """Conversations of this state; without one those that are active, or all."""
    if state is not None:
        return dict(_STATES[state])
    return {} if closed_too else dict(_STATES[State.ACTIVE])


def with_text(text: str | None) -> Filter:
    """Messages with these words in them, in any case."""
    return {} if text is None else {"text": {"$regex": re.escape(text), "$options": "i"}}


def with_result(result: str | None) -> Filter:
    """Answers with this outcome, or whose highest reported status is this."""
    return {} if result is None else {"$or": [{"outcome": result}, {"status": result}]}


def where(platform: str | None, integration: str | None) -> Filter:
    """Rows of conversations of a platform or integration, by how their keys begin."""
    if platform is None and integration is None:
        return {}
    account = "" if integration is None else re.escape(f"{integration}:")
    name = "[^:]+" if platform is None else re.escape(platform)
    return {"conversation": {"$regex": f"^{name}:{account}"}}


def all_of(*filters: Filter) -> Filter:
    """Rows for which all of these hold."""
    given = [one for one in filters if one]
    return {"$and": given} if len(given) > 1 else given[0] if given else {}


def names_of(typed: str) -> Sequence[str]:
    """How a user may be named in `users`: as typed, and a number without its signs."""
    digits = re.sub(r"[\s()+.-]", "", typed)
    return [typed, digits] if digits.isdigit() and digits != typed else [typed]
