"""What the stand-ins know from the start: credentials, numbers, bots, models, customers, bounds.

Read from a YAML or JSON file; everything has a default that fits the demo, and a key that is not
known is an error. A list in the file takes the place of the default list.
"""

from datetime import timedelta
from pathlib import Path
from typing import Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from recado.devstack.standins.customers import Customer, TelegramCustomer, WhatsAppCustomer


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PhoneNumber(_Section):
    """A business phone number: its id in the Graph API and the number that people see."""

    id: str = "100000000000001"
    display: str = "15550000001"


class StatusReports(_Section):
    """How statuses are posted to the webhook; times are those between tries of one post."""

    url: str | None = None
    statuses: tuple[str, ...] = ("sent", "delivered")
    linger: timedelta = timedelta(milliseconds=50)
    per_post: int = Field(default=100, ge=1, le=1000)
    tries: int = Field(default=5, ge=1)
    first_pause: timedelta = timedelta(milliseconds=500)
    timeout: timedelta = timedelta(seconds=10)
    waiting: int = Field(default=20_000, ge=1)


class WhatsAppConfig(_Section):
    """The app and the business account. `versions` are the Graph API versions that still answer."""

    access_tokens: tuple[SecretStr, ...] = (SecretStr("whatsapp-demo-token"),)
    app_secret: SecretStr = SecretStr("whatsapp-demo-app-secret")
    verify_token: SecretStr = SecretStr("whatsapp-demo-verify-token")
    business_account_id: str = "200000000000001"
    phone_numbers: tuple[PhoneNumber, ...] = (PhoneNumber(),)
    versions: tuple[str, ...] = ("v21.0", "v22.0", "v23.0", "v24.0", "v25.0", "v26.0")
    webhook: StatusReports = StatusReports()


class Bot(_Section):
    """A bot: its token is `<bot id>:<secret>`."""

    token: SecretStr
    username: str = "fibralia_demo_bot"

    @property
    def id(self) -> int:
        """The bot's user id, which is the part of the token before the colon."""
        return int(self.token.get_secret_value().partition(":")[0])

    @model_validator(mode="after")
    def _token_has_an_id(self) -> Self:
        number, colon, secret = self.token.get_secret_value().partition(":")
        if not (number.isdecimal() and colon and secret):
            raise ValueError("a bot's token is <bot id>:<secret>")
        return self


class TelegramConfig(_Section):
    """The bots, and whether setWebhook takes `http://` on loopback (the real one never does)."""

    bots: tuple[Bot, ...] = (
        Bot(token=SecretStr("7000000001:telegram-demo-token-of-the-stand-in")),
    )
    loopback_webhooks: bool = True


class GeminiConfig(_Section):
    """Keys and models that exist, and how long an answer takes."""

    api_keys: tuple[SecretStr, ...] = (SecretStr("gemini-demo-key"),)
    models: tuple[str, ...] = ("gemini-3.8-flash", "gemini-3.5-flash-lite")
    embedding_models: tuple[str, ...] = ("gemini-embedding-001", "gemini-embedding-2")
    answer_time: timedelta = timedelta(0)


class Bounds(_Section):
    """What is kept in memory: the oldest records go when either bound is passed."""

    records: int = Field(default=50_000, ge=1)
    body_bytes: int = Field(default=64 * 1024 * 1024, ge=1)


class Config(_Section):
    """All settings of the stand-ins."""

    whatsapp: WhatsAppConfig = WhatsAppConfig()
    telegram: TelegramConfig = TelegramConfig()
    gemini: GeminiConfig = GeminiConfig()
    customers: tuple[Customer, ...] = (
        WhatsAppCustomer(number="1234567890", name="Clienta de la demo", window_stays_open=True),
        TelegramCustomer(chat=123456, name="Cliente de la demo"),
    )
    bounds: Bounds = Bounds()


def load(path: Path | None) -> Config:
    """Read a YAML or JSON file (JSON is YAML); without a path, the defaults.

    Raises OSError, yaml.YAMLError or pydantic.ValidationError.
    """
    if path is None:
        return Config()
    return Config.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")) or {})
