"""A third platform, made up: texts through some gateway. A test puts it beside the real ones."""

from recado.channels.contract import Channel

from .channel import SmsChannel

CHANNEL: Channel = SmsChannel()
