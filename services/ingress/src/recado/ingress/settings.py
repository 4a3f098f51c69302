"""What ingress can be told, all from `RECADO_*`."""

from datetime import timedelta
from pathlib import Path

from pydantic import Field

from recado.channels.contract import Channel
from recado.schemas.base import Platform
from recado.servicekit.settings import ServiceSettings

MIB = 1024 * 1024

LARGEST_BODY = 3 * MIB
"""Meta: a webhook's body has at most 3 MB (webhooks/overview). More can't be allowed: a body of
control characters is six times as long in JSON, and its record must fit its topic."""


class IngressSettings(ServiceSettings):
    """Settings of the ingress service."""

    port: int = Field(default=9000, ge=0, le=65535, description="HTTP port; 0: any free one")
    integrations_file: Path = Field(description="YAML file with the configured accounts")

    whatsapp_max_body: int = Field(
        default=LARGEST_BODY, gt=0, le=LARGEST_BODY, description="Largest WhatsApp body, in bytes"
    )
    telegram_max_body: int = Field(
        default=MIB, gt=0, le=LARGEST_BODY, description="Largest Telegram update, in bytes"
    )
    body_timeout: timedelta = Field(
        default=timedelta(seconds=10), description="How long a client may take to send a body"
    )
    max_body_bytes_held: int = Field(
        default=64 * MIB,
        ge=2 * LARGEST_BODY,
        description="Bodies held in memory at once, in bytes; beyond it 503",
    )

    publish_timeout: timedelta = Field(
        default=timedelta(seconds=3), description="How long Kafka may take to acknowledge"
    )
    max_requests_waiting: int = Field(
        default=1000, gt=0, description="Requests that wait for Kafka at once; beyond it 503"
    )
    failures_until_shut: int = Field(
        default=3,
        gt=0,
        description="Failed publishes in a row after which requests get 503 at once",
    )
    kafka_probe_interval: timedelta = Field(
        default=timedelta(seconds=1), description="How often Kafka is looked for"
    )
    retry_after: timedelta = Field(
        default=timedelta(seconds=5),
        ge=timedelta(seconds=1),
        description="What a 503 asks the platform to wait",
    )

    rejections_per_second: float = Field(
        default=1.0,
        gt=0,
        description="Rejected requests recorded per integration and source, in the long run; "
        "ten times as many per integration",
    )
    rejections_burst: int = Field(
        default=20,
        gt=0,
        description="Rejected requests recorded per integration and source at once; "
        "ten times as many per integration",
    )

    drain_delay: timedelta = Field(
        default=timedelta(0),
        description="How long requests are taken after readiness is off, so that balancers notice",
    )
    drain_timeout: timedelta = Field(
        default=timedelta(seconds=10),
        description="How long open requests may take to finish when the service stops",
    )

    def max_body(self, channel: Channel) -> int:
        """The largest body that is taken from a platform, in bytes."""
        settable = {
            Platform.WHATSAPP.value: self.whatsapp_max_body,
            Platform.TELEGRAM.value: self.telegram_max_body,
        }
        return settable.get(channel.platform, min(channel.max_body, LARGEST_BODY))
