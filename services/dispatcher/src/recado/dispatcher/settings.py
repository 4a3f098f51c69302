"""What the dispatcher can be told."""

from datetime import timedelta
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator

from recado.channels.registry import CHANNELS
from recado.dispatcher.timing import Timing, WhenUncertain
from recado.servicekit.settings import ConsumerSettings

DEFAULT_PORT = 9002


class DispatcherSettings(ConsumerSettings):
    """The dispatcher's settings."""

    port: int = Field(default=DEFAULT_PORT, ge=0, le=65535, description="Health and metrics")
    concurrency: int = Field(
        default=64,
        ge=2,
        le=10_000,
        description="So many keys at most are worked on at once",
    )
    max_sending: int | None = Field(
        default=None,
        ge=1,
        description="So many of them may be answers, and so many connections has an integration; "
        "less than `RECADO_CONCURRENCY`, else reports of what arrived wait behind a platform that "
        "hangs. Unless set, three quarters of it",
    )
    mongodb_url: SecretStr = Field(
        default=SecretStr("mongodb://127.0.0.1:27017"),
        description="MongoDB's address; it may hold a password",
    )
    mongodb_database: str = Field(default="recado", min_length=1, description="Its database")
    integrations_file: Path = Field(
        default=Path("integrations.yaml"), description="The configured accounts, a YAML file"
    )
    integrations_interval: timedelta = Field(
        default=timedelta(seconds=2),
        ge=timedelta(milliseconds=50),
        description="How often that file is read: a new version is in use after the second reading "
        "that finds it",
    )
    send_timeout: timedelta = Field(
        default=timedelta(seconds=10),
        gt=timedelta(0),
        description="A request to a platform is given up after this",
    )
    claim_skew: timedelta = Field(
        default=timedelta(seconds=2),
        ge=timedelta(0),
        description="How far the clocks of two dispatchers may be apart",
    )
    uncertain_after: timedelta = Field(
        default=timedelta(seconds=10),
        ge=timedelta(0),
        description="How long a status may take to settle a send whose result is not known",
    )
    telegram_uncertain: Literal["resend", "leave"] = Field(
        default="resend",
        description="Telegram, and any platform without delivery reports: what to do with a send "
        "whose result is not known",
    )
    typing: bool = Field(
        default=True,
        description="Show customers that their message was read and that an answer is being "
        "written. Buttons are acknowledged in any case",
    )
    conversation_closes_after: timedelta = Field(
        default=timedelta(days=1),
        ge=timedelta(minutes=1),
        description="A conversation in which the customer says nothing for so long is closed; what "
        "they say then opens a new one",
    )
    webhooks_kept: timedelta = Field(
        default=timedelta(days=30),
        gt=timedelta(0),
        description="How long a webhook's record is kept in MongoDB",
    )

    @model_validator(mode="after")
    def _a_send_fits_the_drain(self) -> Self:
        if self.send_timeout >= self.drain_timeout:
            raise ValueError("RECADO_SEND_TIMEOUT must be shorter than RECADO_DRAIN_TIMEOUT")
        return self

    @model_validator(mode="after")
    def _sends_leave_slots(self) -> Self:
        if self.sending >= self.concurrency:
            raise ValueError("RECADO_MAX_SENDING must be less than RECADO_CONCURRENCY")
        return self

    @property
    def sending(self) -> int:
        """So many answers may be under way at once."""
        return self.max_sending or self.concurrency * 3 // 4

    def timing(self) -> Timing:
        """What claims rest on."""
        return Timing(send_timeout=self.send_timeout, claim_skew=self.claim_skew)

    def when_uncertain(self) -> dict[str, WhenUncertain]:
        """WhatsApp reports on what arrived, Telegram does not; any other says which it is like."""
        reported = WhenUncertain(self.uncertain_after, send_again=True)
        unreported = WhenUncertain(timedelta(0), send_again=self.telegram_uncertain == "resend")
        return {
            platform: reported if channel.reports_delivery else unreported
            for platform, channel in CHANNELS.items()
        }
