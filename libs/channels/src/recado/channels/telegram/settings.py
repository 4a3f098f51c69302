"""A Telegram bot in the integrations file."""

import re
from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from recado.channels.contract import Integration, Limits
from recado.channels.credentials import BaseUrl
from recado.schemas.base import Platform
from recado.schemas.conversations import ReplyTo

_BOT_TOKEN = re.compile(r"[0-9]+:[A-Za-z0-9_-]+", re.ASCII)
_USERNAME = re.compile(r"@?[A-Za-z0-9_]{4,32}", re.ASCII)
_SECRET_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,256}", re.ASCII)


def _bot_token(token: SecretStr) -> SecretStr:
    if not _BOT_TOKEN.fullmatch(token.get_secret_value()):
        raise ValueError("must be a bot's token: digits, a colon, and letters, digits, _ and -")
    return token


def _secret_token(token: SecretStr) -> SecretStr:
    if not _SECRET_TOKEN.fullmatch(token.get_secret_value()):
        raise ValueError("must be 1 to 256 of letters, digits, _ and -")
    return token


def _username(name: str) -> str:
    if not _USERNAME.fullmatch(name):
        raise ValueError("must be a bot's name: 4 to 32 letters, digits and _")
    return name.removeprefix("@")


BotToken = Annotated[SecretStr, AfterValidator(_bot_token)]
SecretToken = Annotated[SecretStr, AfterValidator(_secret_token)]
"""What `setWebhook` takes as `secret_token`."""


class TelegramIntegration(Integration):
    """A bot."""

    platform: Literal[Platform.TELEGRAM]
    bot_token: BotToken
    bot_username: Annotated[str, AfterValidator(_username)] | None = None
    """By which it is mentioned in groups. Without it any bot's name there is taken for its own."""
    secret_token: SecretToken | None = None
    """Comes with every webhook. May be absent in development mode only."""
    secret_tokens: tuple[SecretToken, ...] = ()
    """Further valid secrets, while the secret token is rotated."""
    api_base_url: BaseUrl = "https://api.telegram.org"
    messages_per_second: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 30
    """To all chats together: about 30 (Telegram's FAQ for bots); more where it was bought."""
    chat_messages_per_second: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1
    """To one chat: one (the same)."""
    group_messages_per_minute: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 20
    """To one group: 20 (the same)."""

    @model_validator(mode="after")
    def _secret_unless_in_development(self) -> Self:
        if not self.valid_secrets() and not self.development:
            raise ValueError(
                "secret_token is missing: webhooks could not be verified "
                "(only an integration with `development: true` may do without)"
            )
        return self

    def valid_secrets(self) -> tuple[bytes, ...]:
        """Every secret that a webhook may carry."""
        first = () if self.secret_token is None else (self.secret_token,)
        return tuple(secret.get_secret_value().encode() for secret in (*first, *self.secret_tokens))

    def distinguishing(self) -> tuple[tuple[str, str], ...]:
        return tuple(("secret_token", secret.decode()) for secret in self.valid_secrets())

    def limits(self, reply_to: ReplyTo) -> Limits:
        interval = timedelta(seconds=1) / self.chat_messages_per_second
        if reply_to.chat.startswith("-"):  # a group's id is negative
            interval = max(interval, timedelta(minutes=1) / self.group_messages_per_minute)
        return Limits(per_second=self.messages_per_second, chat_interval=interval)

    @property
    def bot_id(self) -> str:
        """The bot's own user id, which its token begins with."""
        return self.bot_token.get_secret_value().partition(":")[0]

    def method_url(self, method: str) -> str:
        """The address of a method. Holds the token: for requests only, never for people."""
        return f"{self.api_base_url}/bot{self.bot_token.get_secret_value()}/{method}"
