"""Which channel and which integrations a webhook address stands for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from recado.channels.contract import Channel, Integration
from recado.ingress.errors import TurnedAway


class Accounts(Protocol):
    """The configured accounts; `recado.channels.integrations.Integrations` is one."""

    def of(self, platform: str) -> Sequence[Integration]:
        """The enabled ones of a platform."""

    def named(self, platform: str, name: str) -> Integration | None:
        """The enabled one of that name, or None."""


@dataclass(frozen=True, slots=True)
class Target:
    """What an address stands for."""

    platform: str
    channel: Channel
    integrations: tuple[Integration, ...]
    """The one that the path names, else all of the platform: Meta has one callback address for an
    app with many numbers."""
    named: Integration | None

    @property
    def name(self) -> str | None:
        """The integration that the path names."""
        return None if self.named is None else self.named.name


class Directory:
    """Finds what an address stands for. Unknown and disabled look alike: 404."""

    def __init__(self, channels: Mapping[str, Channel], accounts: Accounts) -> None:
        self._channels = dict(channels)
        self._accounts = accounts

    def find(self, platform: str, integration: str | None) -> Target:
        """The target of the path's two parts. Raises `TurnedAway` with 404."""
        channel = self._channels.get(platform)
        if channel is None:
            raise TurnedAway(404, "there is no such webhook address")
        if integration is None:
            all_of_it = tuple(self._accounts.of(channel.platform))
            if not all_of_it:
                raise TurnedAway(404, "there is no such webhook address")
            return Target(channel.platform, channel, all_of_it, None)
        named = self._accounts.named(channel.platform, integration)
        if named is None:
            raise TurnedAway(404, "there is no such webhook address")
        return Target(channel.platform, channel, (named,), named)
