"""What the manifests tell each process is what it can be told, and is enough."""

import os
from importlib.util import find_spec
from pathlib import PurePosixPath

import pytest
import typer
from pydantic_settings import BaseSettings

from recado.channels.integrations import load_integrations
from recado.cli.settings import CliSettings
from recado.dispatcher.settings import DispatcherSettings
from recado.indexer.settings import IndexerSettings
from recado.ingress.settings import IngressSettings
from recado.rag.settings import RagSettings
from recado.schemas.base import Platform
from recado.servicekit.settings import PREFIX
from support.manifests import (
    BASE,
    EXAMPLE,
    ROOT,
    Manifests,
    built_text,
    container,
    listing,
    mapping,
    number,
    pod,
    text,
)

SETTINGS: dict[str, type[BaseSettings]] = {
    "recado-ingress": IngressSettings,
    "recado-rag": RagSettings,
    "recado-dispatcher": DispatcherSettings,
    "recado-indexer": IndexerSettings,
    "recado-topics": CliSettings,
    "recado-mongodb-indexes": DispatcherSettings,
    "recado-knowledge-collection": IndexerSettings,
}
PLACEHOLDER = "REPLACE-ME"


def test_every_workload_is_looked_at(example: Manifests) -> None:
    """Else the tests below would pass by leaving one out."""
    assert set(SETTINGS) == set(example.workloads())


@pytest.mark.parametrize("workload", SETTINGS)
def test_every_variable_is_a_setting_of_that_process(example: Manifests, workload: str) -> None:
    """A misspelt one would be ignored in silence."""
    known = {f"{PREFIX}{field.upper()}" for field in SETTINGS[workload].model_fields}
    assert set(example.environment(example.workloads()[workload])) <= known


@pytest.mark.parametrize("workload", SETTINGS)
def test_with_these_variables_the_process_would_start(
    example: Manifests, workload: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The settings class takes them: what is required is there and what contradicts is not."""
    for variable in [one for one in os.environ if one.startswith(PREFIX)]:
        monkeypatch.delenv(variable)
    for variable, value in example.environment(example.workloads()[workload]).items():
        monkeypatch.setenv(variable, value)
    SETTINGS[workload]()


def test_secrets_are_told_as_secrets(example: Manifests) -> None:
    """No setting that hides its value comes from a ConfigMap or stands in a manifest."""
    for workload_name, workload in example.workloads().items():
        fields = SETTINGS[workload_name].model_fields
        secret = {
            f"{PREFIX}{field.upper()}"
            for field, info in fields.items()
            if "Secret" in str(info.annotation) or "mongodb_url" in field
        }
        for variable in listing(container(workload), "env"):
            if text(variable, "name") in secret:
                assert "valueFrom" in mapping(variable)
                secret.discard(text(variable, "name"))
        told = {
            key
            for source in listing(container(workload), "envFrom")
            for key in mapping(
                example.of("ConfigMap")[text(source, "configMapRef", "name")], "data"
            )
        }
        assert not secret & told


def test_rag_reads_with_a_readers_keys_and_the_indexer_writes_with_a_writers(
    example: Manifests,
) -> None:
    """Of MongoDB and of Weaviate; nobody else has a writer's."""
    used = {
        workload_name: {
            text(variable, "valueFrom", "secretKeyRef", "name").rsplit("-", 1)[0]
            for variable in listing(container(workload), "env")
            if "valueFrom" in mapping(variable)
        }
        for workload_name, workload in example.workloads().items()
    }
    writers = {key for key, names in used.items() if "recado-weaviate-writer" in names}
    assert writers == {"recado-indexer", "recado-knowledge-collection"}
    writers = {key for key, names in used.items() if "recado-mongodb-writer" in names}
    assert writers == {"recado-dispatcher", "recado-mongodb-indexes"}
    assert used["recado-rag"] >= {"recado-mongodb-reader", "recado-weaviate-reader"}
    assert used["recado-ingress"] == {"recado-kafka"}


def test_no_secret_of_the_overlay_could_be_a_real_one(example: Manifests) -> None:
    """And the base has none at all."""
    assert not Manifests(built_text(BASE)).of("Secret")
    for secret in example.of("Secret"):
        for value in example.secret(secret).values():
            assert PLACEHOLDER in value


@pytest.mark.parametrize("workload", ["recado-ingress", "recado-dispatcher"])
def test_the_integrations_file_is_where_the_setting_says(example: Manifests, workload: str) -> None:
    """A Secret has that name in it; what is mounted by `subPath` would never change."""
    deployment = example.workloads()[workload]
    file = PurePosixPath(example.environment(deployment)["RECADO_INTEGRATIONS_FILE"])
    (mount,) = (
        mapping(one)
        for one in listing(container(deployment), "volumeMounts")
        if text(one, "mountPath") == str(file.parent)
    )
    assert "subPath" not in mount
    (volume,) = (
        mapping(one)
        for one in listing(pod(deployment), "volumes")
        if text(one, "name") == mount["name"]
    )
    assert file.name in example.secret(text(volume, "secret", "secretName"))


def test_the_example_of_the_integrations_can_be_read() -> None:
    """An account of each platform, as the services want it written."""
    integrations = load_integrations(ROOT / EXAMPLE / "integrations.yaml", {})
    assert {one.platform for one in integrations} == set(Platform)


def test_every_job_may_run_again_and_goes_by_itself(example: Manifests) -> None:
    """It gives up where another try can't help."""
    for job in example.of("Job").values():
        spec = mapping(job, "spec")
        assert number(spec, "ttlSecondsAfterFinished") > 0
        assert number(spec, "backoffLimit") > 0
        assert text(pod(job), "restartPolicy") == "Never"
        (rule,) = listing(spec, "podFailurePolicy", "rules")
        assert text(rule, "action") == "FailJob"
        assert listing(rule, "onExitCodes", "values") == [2, 78]


def test_every_jobs_command_exists(example: Manifests) -> None:
    """A module that can be run; that `prepare` works is in the integration tests."""
    commands = {key: listing(container(one), "command") for key, one in example.of("Job").items()}
    for command in commands.values():
        assert command[:2] == ["python", "-m"]
        module = str(command[2])
        assert find_spec(module if module.endswith(".main") else f"{module}.__main__")
    from recado.cli.topics import app

    group = typer.main.get_group(app)
    assert commands["recado-topics"][3:4] == ["topics"]
    assert set(map(str, commands["recado-topics"][4:])) <= set(group.commands)
    assert commands["recado-mongodb-indexes"][2:] == ["recado.dispatcher", "prepare"]
    assert commands["recado-knowledge-collection"][2:] == ["recado.indexer", "prepare"]
