"""What a rebuild needs to be told: where to read and to write, and how long things are kept."""

from datetime import timedelta

from pydantic import Field, SecretStr

from recado.servicekit.settings import KafkaSettings


class RebuildSettings(KafkaSettings):
    """Keys and defaults are the dispatcher's. No integrations file, no token."""

    mongodb_url: SecretStr = Field(
        default=SecretStr("mongodb://127.0.0.1:27017"),
        description="MongoDB's address; it may hold a password",
    )
    conversation_closes_after: timedelta = Field(
        default=timedelta(days=1),
        ge=timedelta(minutes=1),
        description="A conversation in which the customer says nothing for so long is closed",
    )
    webhooks_kept: timedelta = Field(
        default=timedelta(days=30),
        gt=timedelta(0),
        description="How long a webhook's record is kept in MongoDB",
    )
