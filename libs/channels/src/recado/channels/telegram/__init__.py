"""Telegram Bot API.

Facts are from https://core.telegram.org/bots/api (10.3) and the source of tdlib/telegram-bot-api,
summer 2026.
"""

from recado.channels.contract import Channel
from recado.channels.telegram.channel import TelegramChannel
from recado.channels.telegram.settings import TelegramIntegration

__all__ = ["CHANNEL", "TelegramChannel", "TelegramIntegration"]

CHANNEL: Channel = TelegramChannel()
