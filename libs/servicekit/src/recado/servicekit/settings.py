"""Settings from the environment: one class per service, prefix `RECADO_`.

`load` turns what pydantic says into one line per wrong key, named as the operator set it, and
never repeats a value: it may be a secret.
"""

import re
import sys
from datetime import timedelta
from typing import Literal, Self, TypeVar

from pydantic import (
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "RECADO_"
_SECONDS = re.compile(r"[0-9]+(\.[0-9]+)?", re.ASCII)
EXIT_MISCONFIGURED = 78
"""`EX_CONFIG` of sysexits: a restart will not help until the configuration changes."""


BEYOND_DRAIN = timedelta(seconds=20)
"""What may pass between two polls beyond a drain: 5 s for work that is cancelled and 5 s for the
commit; or, by itself, 15 s that FastStream pauses after an error."""


class KafkaSettings(BaseSettings):
    """How to reach Kafka."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore")

    kafka_bootstrap_servers: str = Field(
        default="127.0.0.1:9092", description="Kafka's addresses, separated by commas"
    )
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        default="PLAINTEXT", description="How connections to Kafka are secured"
    )
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        default="SCRAM-SHA-512", description="Used with a SASL protocol"
    )
    kafka_username: str | None = Field(default=None, description="SASL user")
    kafka_password: SecretStr | None = Field(default=None, description="SASL password")

    @field_validator("*", mode="before")
    @classmethod
    def _plain_seconds(cls, value: object, info: ValidationInfo) -> object:
        """`10` is ten seconds, wherever `PT10S` is; pydantic takes only the latter as text."""
        field = cls.model_fields.get(info.field_name or "")
        if field and field.annotation is timedelta and isinstance(value, str):
            return float(value) if _SECONDS.fullmatch(value) else value
        return value

    @model_validator(mode="after")
    def _sasl_needs_credentials(self) -> Self:
        if self.kafka_security_protocol.startswith("SASL") and not (
            self.kafka_username and self.kafka_password
        ):
            raise ValueError("a SASL protocol needs RECADO_KAFKA_USERNAME and _PASSWORD")
        return self


class ServiceSettings(KafkaSettings):
    """What every service can be told."""

    host: str = Field(default="127.0.0.1", description="Address that the HTTP port binds to")
    port: int = Field(default=0, ge=0, le=65535, description="HTTP port; 0: any free one")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="The least that is logged; no message body at INFO and above"
    )
    log_format: Literal["json", "console"] = Field(
        default="json", description="For machines (`json`) or people (`console`)"
    )


class ConsumerSettings(ServiceSettings):
    """What every service that consumes can be told."""

    kafka_session_timeout: timedelta = Field(
        default=timedelta(seconds=45),
        description="A process that is not heard of for so long loses its partitions",
    )
    kafka_rebalance_timeout: timedelta = Field(
        default=timedelta(seconds=60), description="How long a rebalance waits for each member"
    )
    concurrency: int = Field(
        default=32, ge=1, le=10_000, description="So many keys at most are worked on at once"
    )
    drain_timeout: timedelta = Field(
        default=timedelta(seconds=30),
        description="How long work under way may take when a partition is given up",
    )
    kafka_auto_offset_reset: Literal["earliest", "latest", "none"] = Field(
        default="none",
        description="When a committed offset no longer exists: `none` stops with an error, the "
        "others jump. A partition without any starts at its beginning, with `latest` at its end",
    )

    liveness_timeout: timedelta = Field(
        default=timedelta(seconds=60),
        description="`/healthz` answers 503 when the consumer has not polled for so long. Waiting "
        "for Kafka does not count. At least `RECADO_DRAIN_TIMEOUT` and 20 seconds",
    )

    @model_validator(mode="after")
    def _drain_within_rebalance(self) -> Self:
        if self.drain_timeout >= self.kafka_rebalance_timeout:
            raise ValueError("RECADO_DRAIN_TIMEOUT must be shorter than _KAFKA_REBALANCE_TIMEOUT")
        return self

    @model_validator(mode="after")
    def _drain_within_liveness(self) -> Self:
        if self.liveness_timeout < self.drain_timeout + BEYOND_DRAIN:
            raise ValueError(
                "RECADO_LIVENESS_TIMEOUT must be RECADO_DRAIN_TIMEOUT and "
                f"{BEYOND_DRAIN.total_seconds():g} seconds at least"
            )
        return self


Settings = TypeVar("Settings", bound=BaseSettings)


def load(settings: type[Settings]) -> Settings:
    """The settings from the environment, or exit with one line per wrong key (status 78)."""
    try:
        return settings()
    except ValidationError as invalid:
        for line in explain(invalid):
            sys.stderr.write(line + "\n")
        sys.exit(EXIT_MISCONFIGURED)


def explain(invalid: ValidationError) -> list[str]:
    """One line per error: the environment's key and what is wrong, without the value."""
    lines = []
    for error in invalid.errors(include_input=False, include_url=False, include_context=False):
        key = PREFIX + "__".join(str(part) for part in error["loc"]).upper()
        lines.append(f"{key if error['loc'] else 'configuration'}: {error['msg']}")
    return lines
