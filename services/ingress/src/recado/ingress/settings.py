"""What ingress can be told, all from `RECADO_*`."""

from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path

from pydantic import Field, field_validator

from recado.channels.contract import Channel
from recado.ingress.clients import Network
from recado.schemas.base import Platform
from recado.servicekit.settings import ServiceSettings

MIB = 1024 * 1024

LARGEST_BODY = 3 * MIB
"""Meta: a webhook's body has at most 3 MB (webhooks/overview). More can't be allowed: a body of
control characters is six times as long in JSON, and its record must fit its topic."""


def _listed(written: str) -> list[str]:
    return [one.strip() for one in written.split(",") if one.strip()]


class IngressSettings(ServiceSettings):
    """Settings of the ingress service."""

    port: int = Field(default=9000, ge=0, le=65535, description="HTTP port; 0: any free one")
    integrations_file: Path = Field(description="YAML file with the configured accounts")
    integrations_interval: timedelta = Field(
        default=timedelta(seconds=2),
        ge=timedelta(milliseconds=50),
        description="How often that file is read: a new version is in use after the second reading "
        "that finds it",
    )
    trusted_proxies: str = Field(
        default="",
        description="Networks of the proxies before ingress (`10.0.0.0/8,fd00::/8`): from them, "
        "and from nobody else, `X-Forwarded-For` is believed",
    )

    whatsapp_max_body: int = Field(
        default=LARGEST_BODY, gt=0, le=LARGEST_BODY, description="Largest WhatsApp body, in bytes"
    )
    telegram_max_body: int = Field(
        default=MIB, gt=0, le=LARGEST_BODY, description="Largest Telegram update, in bytes"
    )
    head_timeout: timedelta = Field(
        default=timedelta(seconds=10),
        gt=timedelta(0),
        description="How long a client may take to send a request's headers",
    )
    body_timeout: timedelta = Field(
        default=timedelta(seconds=10),
        gt=timedelta(0),
        description="How long a client may take to send a body",
    )
    max_body_bytes_held: int = Field(
        default=64 * MIB,
        ge=2 * LARGEST_BODY,
        description="Bodies held in memory at once, in bytes; beyond it 503",
    )

    publish_timeout: timedelta = Field(
        default=timedelta(milliseconds=2500),
        description="How long Kafka may take to acknowledge. When it acknowledges nobody anything "
        "for so long, requests get 503 at once until it answers again",
    )
    max_requests_waiting: int = Field(
        default=1000, gt=0, description="Requests that wait for Kafka at once; beyond it 503"
    )
    failures_until_shut: int = Field(
        default=3,
        gt=0,
        description="Failed publishes in a row after which requests get 503 at once, though Kafka "
        "acknowledged something of others in between",
    )
    kafka_probe_interval: timedelta = Field(
        default=timedelta(seconds=1), description="How often Kafka is looked for"
    )
    max_connections: int = Field(
        default=10_000,
        gt=0,
        description="Connections open at once; a further one gets 503 and is closed. The process "
        "needs that many open files, and some 100 more",
    )
    retry_after: timedelta = Field(
        default=timedelta(seconds=5),
        ge=timedelta(seconds=1),
        description="What a 503 asks the platform to wait",
    )

    repeats_age: timedelta = Field(
        default=timedelta(minutes=10),
        ge=timedelta(0),
        description="How long a published event is remembered, so that a repeat of it is not "
        "published again",
    )
    repeats_most: int = Field(
        default=100_000,
        gt=0,
        description="Published events that are remembered at least, some 100 bytes each; twice "
        "as many at most",
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

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, written: str) -> str:
        for one in _listed(written):
            try:
                ip_network(one)
            except ValueError:
                raise ValueError("must be networks like 10.0.0.0/8, separated by commas") from None
        return written

    def trusted_networks(self) -> tuple[Network, ...]:
        """The networks of `trusted_proxies`."""
        return tuple(ip_network(one) for one in _listed(self.trusted_proxies))

    def max_body(self, channel: Channel) -> int:
        """The largest body that is taken from a platform, in bytes."""
        settable = {
            Platform.WHATSAPP.value: self.whatsapp_max_body,
            Platform.TELEGRAM.value: self.telegram_max_body,
        }
        return settable.get(channel.platform, min(channel.max_body, LARGEST_BODY))
