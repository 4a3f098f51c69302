"""The channels there are: every folder beside this module that offers a `CHANNEL`.

A new platform is one folder and nothing else (docs/channels.md).
"""

import importlib
import pkgutil
from collections.abc import Iterable, Mapping
from types import MappingProxyType

import recado.channels
from recado.channels.contract import Channel
from recado.channels.errors import MisnamedChannel

OFFERED_AS = "CHANNEL"


def discover(folders: Iterable[str]) -> Mapping[str, Channel]:
    """The channels in these folders, which must be of the package `recado.channels`, by platform.

    Raises `MisnamedChannel` where a folder has another name than its platform.
    """
    found: dict[str, Channel] = {}
    for folder in sorted(one.name for one in pkgutil.iter_modules(folders) if one.ispkg):
        package = importlib.import_module(f"{recado.channels.__name__}.{folder}")
        channel: Channel | None = getattr(package, OFFERED_AS, None)
        if channel is None:
            continue
        if channel.platform != folder:
            raise MisnamedChannel(folder, channel.platform)
        found[folder] = channel
    return MappingProxyType(found)


CHANNELS: Mapping[str, Channel] = discover(recado.channels.__path__)
"""Every channel by its platform's name."""
