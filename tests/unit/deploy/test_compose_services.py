"""docker-compose.yml against the code: names, ports, grace, and what containers may do."""

import re
from datetime import timedelta
from pathlib import Path, PurePosixPath

import pytest
from pydantic_settings import BaseSettings
from tools import compose_file

from recado.channels.integrations import load_integrations
from recado.cli.settings import CliSettings
from recado.devstack.standins.config import load
from recado.dispatcher.settings import DispatcherSettings
from recado.indexer.settings import IndexerSettings
from recado.ingress.settings import IngressSettings
from recado.rag.settings import RagSettings
from recado.servicekit.settings import PREFIX, ServiceSettings

ROOT = compose_file.PATH.parent
SERVICES = compose_file.services()
DOCKERFILE = (ROOT / "deploy/docker/Dockerfile").read_text(encoding="utf-8")

SETTINGS: dict[str, type[BaseSettings]] = {
    "ingress": IngressSettings,
    "rag": RagSettings,
    "dispatcher": DispatcherSettings,
    "indexer": IndexerSettings,
    "topics": CliSettings,
    "collection": IndexerSettings,
    "recado": CliSettings,
}
RUNNING = ("ingress", "rag", "dispatcher", "indexer")
OURS = (*SETTINGS, "standins")
ENV = {
    "WEAVIATE_WRITER_KEY": "writer-key",
    "WEAVIATE_READER_KEY": "reader-key",
    "GRAFANA_PASSWORD": "a-password",
}
CLOSING = timedelta(seconds=26)
"""What a consumer may need beyond its drain, to commit, leave its group and close: 56 s in all."""


def _environment(name: str) -> dict[str, str]:
    return compose_file.environment(SERVICES[name], ENV)


def _seconds(duration: object) -> timedelta:
    found = re.fullmatch(r"([0-9]+)s", str(duration))
    assert found, duration
    return timedelta(seconds=int(found[1]))


def test_all_that_is_built_from_here_is_known_to_this_test() -> None:
    assert {name for name, service in SERVICES.items() if "build" in service} == set(OURS)


@pytest.mark.parametrize("name", SETTINGS)
def test_each_environment_name_is_one_that_its_service_reads(name: str) -> None:
    """A misspelt one would be ignored in silence, here and by the service."""
    known = {PREFIX + field.upper() for field in SETTINGS[name].model_fields}
    assert {given for given in _environment(name) if given.startswith(PREFIX)} <= known


@pytest.mark.parametrize("name", SETTINGS)
def test_the_environment_is_all_that_the_service_needs(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its settings load from it alone: nothing required is missing, no value is wrong."""
    monkeypatch.chdir(tmp_path)
    for given, value in _environment(name).items():
        monkeypatch.setenv(given, value)
    loaded = SETTINGS[name]()
    assert loaded.model_dump()["kafka_bootstrap_servers"] == "kafka:9092"


def test_rag_reads_weaviate_and_the_indexer_writes_it() -> None:
    """Each has the key whose user Weaviate lets do that and no more."""
    weaviate = _environment("weaviate")
    keys = weaviate["AUTHENTICATION_APIKEY_ALLOWED_KEYS"].split(",")
    users = weaviate["AUTHENTICATION_APIKEY_USERS"].split(",")
    user_of = dict(zip(keys, users, strict=True))
    reader, writer = (
        user_of[_environment(name)["RECADO_WEAVIATE_API_KEY"]] for name in ("rag", "indexer")
    )
    assert weaviate["AUTHORIZATION_ADMINLIST_READONLY_USERS"].split(",") == [reader]
    assert weaviate["AUTHORIZATION_ADMINLIST_USERS"].split(",") == [writer]
    assert weaviate["AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED"] == "false"


def test_services_are_named_by_the_hosts_that_others_reach_them_at() -> None:
    """Every host in an address of ours is a service of the file."""
    addresses = [value for name in SETTINGS for value in _environment(name).values()]
    hosts = {
        host
        for address in addresses
        for host in re.findall(r"(?:^|//)([a-z]+):[0-9]+", address.replace(",", " "))
    }
    assert {"kafka", "mongodb", "weaviate", "ingress", "standins"} <= hosts <= set(SERVICES)


@pytest.mark.parametrize("name", SERVICES)
def test_each_image_is_pinned_by_its_full_version(name: str) -> None:
    """No tag that moves: `latest`, `8`, `3.5`."""
    assert re.fullmatch(
        r"[a-z0-9./-]+:v?[0-9]+\.[0-9]+\.[0-9]+(@sha256:[0-9a-f]{64})?",
        str(SERVICES[name]["image"]),
    )


@pytest.mark.parametrize("name", OURS)
def test_each_build_is_of_a_service_that_the_dockerfile_knows(name: str) -> None:
    """It has a stage of that name and a lock, and the image is called after it."""
    build = SERVICES[name]["build"]
    assert isinstance(build, dict)
    service = build["args"]["SERVICE"]
    assert (ROOT / build["dockerfile"]).is_file()
    assert re.search(rf"^FROM runtime AS {service}$", DOCKERFILE, re.MULTILINE)
    assert (ROOT / "requirements" / f"{service}.txt").is_file()
    assert str(SERVICES[name]["image"]).startswith(f"recado-{service}:")


@pytest.mark.parametrize("name", OURS)
def test_containers_may_do_nothing_that_they_need_not(name: str) -> None:
    """Not root, nothing but /tmp to write to, no capability, none to be gained; bounded memory."""
    service = SERVICES[name]
    assert service["user"] == "10001:10001"
    assert service["read_only"] is True
    assert [str(mount).split(":")[0] for mount in _list(service["tmpfs"])] == ["/tmp"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "mem_limit" in service


@pytest.mark.parametrize("name", SERVICES)
def test_no_container_has_a_capability_or_may_gain_one(name: str) -> None:
    """Those of others too; MongoDB's would need some, were it not started as its own user."""
    assert SERVICES[name]["cap_drop"] == ["ALL"]
    assert SERVICES[name]["security_opt"] == ["no-new-privileges:true"]
    assert SERVICES["mongodb"]["user"] == "mongodb"


@pytest.mark.parametrize("name", RUNNING)
def test_a_service_is_given_the_time_that_stopping_may_take(name: str) -> None:
    """Killed earlier, it would leave work in hand to be done again."""
    settings = SETTINGS[name].model_fields
    drain = settings["drain_timeout"].default
    if "drain_delay" in settings:
        drain += settings["drain_delay"].default
    assert _seconds(SERVICES[name]["stop_grace_period"]) >= drain + CLOSING


@pytest.mark.parametrize("name", RUNNING)
def test_health_is_asked_for_where_the_service_listens(name: str) -> None:
    """By the compose file its readiness, by the image its life, both at its own port."""
    port = str(SETTINGS[name].model_fields["port"].default)
    assert "RECADO_PORT" not in _environment(name)
    health = SERVICES[name]["healthcheck"]
    assert isinstance(health, dict)
    assert health["test"][-2:] == ["/readyz", port]
    stage = DOCKERFILE.split(f"FROM runtime AS {name}\n")[1].split("FROM ")[0]
    assert f'"/healthz", "{port}"]' in stage
    assert f"EXPOSE {port}\n" in stage
    assert f'ENTRYPOINT ["python", "-m", "recado.{name}"]' in stage


def test_services_listen_on_every_address_of_their_container() -> None:
    """The default is loopback, where nobody outside the container reaches them."""
    assert ServiceSettings.model_fields["host"].default == "127.0.0.1"
    assert "RECADO_HOST=0.0.0.0" in DOCKERFILE
    assert not any("RECADO_HOST" in _environment(name) for name in SETTINGS)


def test_this_machine_alone_reaches_what_is_published() -> None:
    published = [port for service in SERVICES.values() for port in _list(service.get("ports"))]
    assert published
    assert all(str(port).startswith("127.0.0.1:") for port in published)


def test_what_keeps_data_has_no_way_out_of_its_network() -> None:
    for name in ("mongodb", "weaviate"):
        assert SERVICES[name]["networks"] == ["inside"]
        assert "ports" not in SERVICES[name]


def test_kafka_makes_no_topic_by_itself() -> None:
    assert _environment("kafka")["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"
    assert SERVICES["topics"]["command"] == ["topics", "apply"]


def test_the_folders_that_monitoring_mounts_are_there() -> None:
    for name in ("prometheus", "grafana"):
        mounted = [str(volume).split(":")[0] for volume in _list(SERVICES[name]["volumes"])]
        folders = [ROOT / folder for folder in mounted if folder.startswith("./")]
        assert folders
        assert all(folder.is_dir() for folder in folders)


def test_the_example_environment_has_every_variable_and_no_other() -> None:
    """And no secret: those are left to be filled in."""
    text = re.sub(r"^ *#.*$", "", compose_file.PATH.read_text(encoding="utf-8"), flags=re.MULTILINE)
    used = set(re.findall(r"\$\{([A-Z_]+)", text))
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    named = [re.match(r"(?:# )?([A-Z_]+)=(.*)", line) for line in lines]
    example = {found[1]: found[2] for found in reversed(named) if found}
    assert set(example) == used
    assert not any(example[name] for name in (*ENV, "RECADO_GEMINI_API_KEY"))


def test_the_standins_know_the_accounts_that_they_are_used_with() -> None:
    """Numbers, tokens and secrets of the two files are the same, and webhooks must be signed."""
    folder = ROOT / "deploy/docker/standins"
    standins = load(folder / "standins.yaml")
    accounts = tuple(load_integrations(folder / "integrations.yaml", {}))
    assert len(accounts) == 2
    for account in accounts:
        given = account.model_dump(mode="python")
        assert not given["development"]
        assert given["api_base_url"].startswith("http://standins:9100/")
        if account.platform == "whatsapp":
            known = standins.whatsapp
            assert given["phone_number_id"] in {number.id for number in known.phone_numbers}
            assert given["access_token"] in known.access_tokens
            assert given["app_secret"] == known.app_secret
            assert given["verify_token"] == known.verify_token
        else:
            assert given["bot_token"] in {bot.token for bot in standins.telegram.bots}


@pytest.mark.parametrize("name", ["ingress", "dispatcher", "recado"])
def test_the_folder_of_the_accounts_is_mounted_so_that_any_change_of_the_file_is_seen(
    name: str,
) -> None:
    """A file mounted by itself stays the old one when an editor renames another over it."""
    file = PurePosixPath(_environment(name)["RECADO_INTEGRATIONS_FILE"])
    (volume,) = _list(SERVICES[name]["volumes"])
    assert isinstance(volume, dict)
    assert volume["type"] == "bind"
    assert volume["target"] == str(file.parent)
    assert volume["read_only"] is True
    # Docker would make an empty one, owned by root, and the services would wait for its file.
    assert volume["bind"] == {"create_host_path": False}
    assert (ROOT / "deploy/docker/standins" / file.name).is_file()


def test_the_example_of_integrations_holds_no_secret_and_loads() -> None:
    """With its five variables set; `recado` reads the same file."""
    variables = {
        "WHATSAPP_ACCESS_TOKEN": "token",
        "WHATSAPP_APP_SECRET": "secret",
        "WHATSAPP_VERIFY_TOKEN": "verify",
        "TELEGRAM_BOT_TOKEN": "1:a",
        "TELEGRAM_SECRET_TOKEN": "secret",
    }
    example = ROOT / "deploy/docker/integrations.example.yaml"
    assert len(tuple(load_integrations(example, variables))) == 2


def _list(value: object) -> list[object]:
    return list(value) if isinstance(value, list) else []
