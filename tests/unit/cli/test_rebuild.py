"""What the process of a rebuild is given, and nothing else."""

from pydantic import SecretStr

from recado.cli.rebuild import environment
from recado.cli.settings import CliSettings

AROUND = {
    "PATH": "/bin",
    "LC_ALL": "es_ES.UTF-8",
    "RECADO_INTEGRATIONS_FILE": "integrations.yaml",
    "RECADO_WEBHOOKS_KEPT": "60",
    "RECADO_GEMINI_API_KEY": "key",
    "WHATSAPP_TOKEN": "token",
}


def test_the_process_gets_no_integrations_file_and_no_platform_s_credentials() -> None:
    given = environment(AROUND, CliSettings(mongodb_url="mongodb://db"))
    assert given == {
        "PATH": "/bin",
        "LC_ALL": "es_ES.UTF-8",
        "RECADO_WEBHOOKS_KEPT": "60",
        "RECADO_KAFKA_BOOTSTRAP_SERVERS": given["RECADO_KAFKA_BOOTSTRAP_SERVERS"],
        "RECADO_KAFKA_SECURITY_PROTOCOL": "PLAINTEXT",
        "RECADO_KAFKA_SASL_MECHANISM": "SCRAM-SHA-512",
        "RECADO_MONGODB_URL": "mongodb://db",
    }


def test_it_reaches_a_secured_kafka_as_the_command_does() -> None:
    settings = CliSettings(
        kafka_security_protocol="SASL_SSL",
        kafka_username="recado",
        kafka_password=SecretStr("kept-secret"),
    )
    given = environment({}, settings)
    assert given["RECADO_KAFKA_USERNAME"] == "recado"
    assert given["RECADO_KAFKA_PASSWORD"] == "kept-secret"
