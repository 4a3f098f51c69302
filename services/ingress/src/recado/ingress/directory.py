"""Which channel and which integrations a webhook address stands for."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from recado.channels.contract import Channel, Integration
from recado.ingress.errors import TurnedAway

_Address = tuple[str, str | None]


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
    """Finds what an address stands for. Unknown and disabled look alike: 404, in the same time."""

    def __init__(
        self, channels: Mapping[str, Channel], integrations: Iterable[Integration] = ()
    ) -> None:
        self._channels = channels
        self._targets: Mapping[_Address, Target] = {}
        self.replace(integrations)

    def replace(self, integrations: Iterable[Integration]) -> None:
        """Know these from now on. What was found before stays as it was."""
        enabled = [one for one in integrations if one.enabled]
        targets: dict[_Address, Target] = {}
        for platform, channel in self._channels.items():
            of_it = tuple(one for one in enabled if one.platform == platform)
            if of_it:
                targets[platform, None] = Target(platform, channel, of_it, None)
            for one in of_it:
                targets[platform, one.name] = Target(platform, channel, (one,), one)
        self._targets = targets

    @property
    def is_empty(self) -> bool:
        """Whether every address is unknown."""
        return not self._targets

    def find(self, platform: str, integration: str | None) -> Target:
        """The target of the path's two parts. Raises `TurnedAway` with 404."""
        target = self._targets.get((platform, integration))
        if target is None:
            raise TurnedAway(404, "there is no such webhook address")
        return target
