"""What a channel looks up in its integrations, made once and not for each webhook."""

from collections.abc import Callable, Iterable, Sequence
from typing import Generic, TypeVar

from recado.channels.contract import Integration

Made = TypeVar("Made")
One = TypeVar("One", bound=Integration)

MAX_KEPT = 64
"""Tuples of integrations in use at once: one for each address that webhooks come to."""


class Lookups(Generic[Made]):
    """What `make` makes of some integrations, kept for as long as the very same tuple is given.

    Ingress gives the same one with each request until the integrations change. A list may change
    unseen, and is looked at anew each time.
    """

    def __init__(self, make: Callable[[Sequence[Integration]], Made]) -> None:
        self._make = make
        self._kept: dict[int, tuple[Sequence[Integration], Made]] = {}

    def of(self, integrations: Sequence[Integration]) -> Made:
        """What `make` gives for them. Raises what it raises."""
        # No other object has this id for as long as this one is kept.
        kept = self._kept.get(id(integrations))
        if kept is not None:
            return kept[1]
        made = self._make(integrations)
        if type(integrations) is tuple:
            if len(self._kept) >= MAX_KEPT:
                self._kept.clear()
            self._kept[id(integrations)] = integrations, made
        return made


def by_secret(
    integrations: Sequence[One], secrets_of: Callable[[One], Iterable[bytes]]
) -> dict[bytes, tuple[One, ...]]:
    """Each secret with those that have it; where all have it, with the very tuple given."""
    found: dict[bytes, list[One]] = {}
    for one in integrations:
        for secret in dict.fromkeys(secrets_of(one)):
            found.setdefault(secret, []).append(one)
    everybody = tuple(integrations)
    return {
        secret: everybody if len(some) == len(everybody) else tuple(some)
        for secret, some in found.items()
    }


def in_order(integrations: Iterable[One], groups: Sequence[tuple[One, ...]]) -> tuple[One, ...]:
    """Those that are in any of the groups, in their own order."""
    if len(groups) == 1:
        return groups[0]
    return tuple(one for one in integrations if any(one in group for group in groups))


def only(named: Integration | None, integrations: Sequence[Integration]) -> Sequence[Integration]:
    """The named one if there is one, else all."""
    if named is None or (len(integrations) == 1 and integrations[0] is named):
        return integrations
    return (named,)
