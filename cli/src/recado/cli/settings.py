"""Where the command finds what it talks to.

`recado up` writes the addresses of what it started to `.recado/environment`; the real environment
comes first. So in the folder where the demo runs, every command finds it.
"""

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from recado.servicekit.settings import PREFIX, KafkaSettings

STATE_DIRECTORY = Path(".recado")
ENVIRONMENT_FILE = STATE_DIRECTORY / "environment"


class CliSettings(KafkaSettings):
    """The command's settings."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=ENVIRONMENT_FILE, env_file_encoding="utf-8", extra="ignore"
    )

    mongodb_url: str = Field(default="mongodb://127.0.0.1:27017", description="MongoDB")
    mongodb_database: str = Field(default="recado", description="MongoDB's database")
    integrations_file: Path = Field(
        default=STATE_DIRECTORY / "integrations.yaml", description="The configured integrations"
    )
    ingress_url: str = Field(default="http://127.0.0.1:9000", description="Where ingress listens")
    standins_url: str = Field(
        default="http://127.0.0.1:9100", description="The platforms' stand-ins (demo only)"
    )
