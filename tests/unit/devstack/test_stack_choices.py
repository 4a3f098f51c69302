"""Which Kafka and MongoDB are taken, under which settings, and what is shown of their addresses."""

from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis.strategies import uuids

from recado.devstack.stack import kafka
from recado.devstack.stack.cache import cache_directory
from recado.devstack.stack.errors import StartFailed, StateUnusable
from recado.devstack.stack.integrations import (
    TELEGRAM_BOT_TOKEN,
    WHATSAPP_ACCESS_TOKEN,
    WHATSAPP_APP_SECRET,
    WHATSAPP_PHONE_NUMBER_ID,
    integrations,
    standins_configuration,
    write_private,
)
from recado.devstack.stack.mongodb import ExternalMongoDb, SecantusDb, choose_mongodb
from recado.devstack.stack.ports import Ports
from recado.devstack.stack.stack import Stack, StackConfig
from recado.devstack.standins.config import load


def test_an_address_in_the_environment_takes_the_place_of_kafka(tmp_path: Path) -> None:
    chosen = kafka.choose_kafka(
        tmp_path,
        port=1,
        controller_port=2,
        environment={"RECADO_KAFKA_BOOTSTRAP_SERVERS": "broker.example:9092"},
    )
    assert isinstance(chosen, kafka.ExternalKafka)
    assert chosen.bootstrap == "broker.example:9092"
    assert "RECADO_KAFKA_BOOTSTRAP_SERVERS" in chosen.describe()


def test_java_and_maven_give_apache_kafka(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka, "java_and_maven_installed", lambda: True)
    chosen = kafka.choose_kafka(tmp_path, port=1, controller_port=2, environment={})
    assert isinstance(chosen, kafka.ApacheKafka)
    assert chosen.keeps_promises


def test_without_java_it_is_noida_db_and_says_that_a_crash_loses_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka, "java_and_maven_installed", lambda: False)
    chosen = kafka.choose_kafka(tmp_path, port=1, controller_port=2, environment={})
    assert isinstance(chosen, kafka.NoidaKafka)
    assert not chosen.keeps_promises
    assert "are lost" in chosen.describe()
    assert "never taken over" in chosen.describe()


def test_kafka_listens_on_loopback_only_and_makes_no_topic_by_itself() -> None:
    lines = kafka.server_properties(19092, 19093, Path("data")).splitlines()
    assert "listeners=PLAINTEXT://127.0.0.1:19092,CONTROLLER://127.0.0.1:19093" in lines
    assert "auto.create.topics.enable=false" in lines


@given(drawn=uuids())
@example(drawn=UUID(int=0xFB << 120))
def test_a_cluster_id_is_never_taken_for_an_option(drawn: UUID) -> None:
    written = kafka.cluster_id(drawn)
    assert not written.startswith("-")
    assert len(written) == 22


def test_an_address_in_the_environment_takes_the_place_of_mongodb(tmp_path: Path) -> None:
    url = "mongodb://ana:secreta@db.example:27017/recado?tls=true"
    chosen = choose_mongodb(tmp_path, port=1, environment={"RECADO_MONGODB_URL": url})
    assert isinstance(chosen, ExternalMongoDb)
    assert chosen.url == url


def test_the_shown_address_of_mongodb_has_no_password(tmp_path: Path) -> None:
    url = "mongodb://ana:secreta@db.example:27017/recado?tls=true"
    chosen = choose_mongodb(tmp_path, port=1, environment={"RECADO_MONGODB_URL": url})
    assert chosen.status().address == "mongodb://db.example:27017/recado"


def test_without_an_address_mongodb_is_its_stand_in(tmp_path: Path) -> None:
    chosen = choose_mongodb(tmp_path, port=27117, environment={})
    assert isinstance(chosen, SecantusDb)
    assert chosen.url == "mongodb://127.0.0.1:27117/?directConnection=true"


def test_the_cache_is_where_recado_cache_says(tmp_path: Path) -> None:
    environment = {"RECADO_CACHE": str(tmp_path), "XDG_CACHE_HOME": "elsewhere"}
    assert cache_directory(environment) == tmp_path


def test_a_failed_start_says_why_and_shows_the_last_lines() -> None:
    error = StartFailed("rag", "was not ready within 5 s", ["first", "last"])
    assert str(error) == "rag was not ready within 5 s; its last lines:\n    first\n    last"


def test_the_stand_ins_take_their_file_and_know_what_the_integrations_use(tmp_path: Path) -> None:
    path = tmp_path / "standins.yaml"
    write_private(path, standins_configuration(Ports()))
    config = load(path)
    tokens = [token.get_secret_value() for token in config.whatsapp.access_tokens]
    assert tokens == [WHATSAPP_ACCESS_TOKEN]
    assert config.whatsapp.app_secret.get_secret_value() == WHATSAPP_APP_SECRET
    assert [number.id for number in config.whatsapp.phone_numbers] == [WHATSAPP_PHONE_NUMBER_ID]
    assert [bot.token.get_secret_value() for bot in config.telegram.bots] == [TELEGRAM_BOT_TOKEN]
    assert config.whatsapp.webhook.url == (
        "http://127.0.0.1:9000/api/integrations/webhooks/whatsapp/"
    )


def test_the_demos_integrations_are_in_development_mode_and_send_to_the_stand_ins() -> None:
    written = integrations(Ports(standins=9100))["integrations"]
    assert isinstance(written, list)
    assert [one["name"] for one in written] == ["whatsapp-demo", "telegram-demo"]
    assert all(one["development"] is True for one in written)
    assert [one["api_base_url"] for one in written] == [
        "http://127.0.0.1:9100/graph",
        "http://127.0.0.1:9100/telegram",
    ]


def test_files_with_credentials_are_for_their_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "state" / "integrations.yaml"
    write_private(path, integrations(Ports()))
    write_private(path, integrations(Ports()))
    assert path.stat().st_mode & 0o777 == 0o600


def test_services_get_the_addresses_of_this_stack_and_the_callers_settings(tmp_path: Path) -> None:
    stack = Stack(
        StackConfig(
            state_directory=tmp_path,
            ports=Ports(rag=9901),
            environment={
                "PATH": "/bin",
                "RECADO_KAFKA_BOOTSTRAP_SERVERS": "broker.example:9092",
                "RECADO_LOG_FORMAT": "json",
            },
            settings={"RECADO_GEMINI_MODEL": "gemini-3.8-flash"},
        )
    )
    got = stack.service("rag").process.environment
    assert got is not None
    assert got["PATH"] == "/bin"
    assert got["RECADO_PORT"] == "9901"
    assert got["RECADO_KAFKA_BOOTSTRAP_SERVERS"] == "broker.example:9092"
    assert got["RECADO_MONGODB_URL"] == "mongodb://127.0.0.1:27117/?directConnection=true"
    assert got["RECADO_INTEGRATIONS_FILE"] == str(tmp_path / "integrations.yaml")
    assert got["RECADO_LANCEDB_PATH"] == str(tmp_path / "lancedb")
    assert got["RECADO_LOG_FORMAT"] == "json"
    assert got["RECADO_GEMINI_MODEL"] == "gemini-3.8-flash"


def test_integrations_of_the_users_own_take_the_place_of_the_demos(tmp_path: Path) -> None:
    own = str(tmp_path / "own.yaml")
    stack = Stack(
        StackConfig(state_directory=tmp_path, environment={"RECADO_INTEGRATIONS_FILE": own})
    )
    assert stack.environment["RECADO_INTEGRATIONS_FILE"] == own


def test_a_stack_that_was_not_started_shows_its_parts_in_the_order_of_start(
    tmp_path: Path,
) -> None:
    stack = Stack(StackConfig(state_directory=tmp_path, services=("ingress", "rag")))
    parts = [(part.name, part.state.value) for part in stack.parts()]
    names = ["kafka", "mongodb", "stand-ins", "ingress", "rag"]
    assert parts == [(name, "waiting") for name in names]


def test_a_proxy_of_the_user_s_is_not_between_the_parts(tmp_path: Path) -> None:
    """Services reach the stand-ins on loopback, whatever HTTP_PROXY says."""
    environment = {"HTTP_PROXY": "http://proxy.example:8080", "NO_PROXY": "example.org"}
    stack = Stack(StackConfig(state_directory=tmp_path, environment=environment))
    assert stack.environment["HTTP_PROXY"] == "http://proxy.example:8080"
    assert stack.environment["NO_PROXY"] == stack.environment["no_proxy"]
    assert stack.environment["NO_PROXY"].split(",") == ["example.org", "127.0.0.1"]


async def test_a_state_directory_that_can_not_be_written_is_named(tmp_path: Path) -> None:
    """A file is in its place; nothing is started."""
    taken = tmp_path / "taken"
    taken.touch()
    stack = Stack(StackConfig(state_directory=taken, ports=Ports.free()))
    assert {part.state.value for part in stack.parts()} == {"waiting"}
    with pytest.raises(StateUnusable, match="taken can't be written to"):
        await stack.start()
