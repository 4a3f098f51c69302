"""The channels there are. A new platform is one folder and one line here."""

from collections.abc import Mapping
from types import MappingProxyType

from recado.channels.contract import Channel
from recado.channels.telegram import TelegramChannel
from recado.channels.whatsapp import WhatsAppChannel
from recado.schemas.base import Platform

_ALL: tuple[Channel, ...] = (
    WhatsAppChannel(),
    TelegramChannel(),
)

CHANNELS: Mapping[Platform, Channel] = MappingProxyType(
    {channel.platform: channel for channel in _ALL}
)
"""Every channel by its platform."""
