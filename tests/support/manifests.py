"""The Kubernetes manifests as `kustomize build` gives them, and hands to take them apart."""

import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import yaml
from pydantic import JsonValue

from support.require import require

ROOT = Path(__file__).parents[2]
TOOL = ROOT / "tools" / "kubernetes.sh"
BASE = "deploy/kubernetes/base"
EXAMPLE = "deploy/kubernetes/overlays/example"

Object = dict[str, JsonValue]


@cache
def _problem() -> str:
    """Why the tool does not work here; empty where it does."""
    got = subprocess.run([TOOL, "get"], capture_output=True, text=True, check=False)
    return got.stderr.strip() or "no reason given" if got.returncode else ""


def require_tools() -> None:
    """kustomize, kubeconform and the schemas are here, or the test is skipped (in CI: fails)."""
    require(not _problem(), "kustomize with kubeconform", f"install Go ({_problem()[-300:]})")


@cache
def built_text(folder: str) -> str:
    """What `kustomize build` says."""
    require_tools()
    done = subprocess.run([TOOL, "build", folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def validate(manifests: str) -> tuple[int, str]:
    """kubeconform's exit status and what it says."""
    require_tools()
    done = subprocess.run(
        [TOOL, "validate"], input=manifests, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


class Manifests:
    """All objects of a build."""

    def __init__(self, text: str) -> None:
        self.objects: list[Object] = [one for one in yaml.safe_load_all(text) if one]

    def of(self, kind: str) -> dict[str, Object]:
        """The objects of a kind by name."""
        return {name(one): one for one in self.objects if one["kind"] == kind}

    def workloads(self) -> dict[str, Object]:
        """Deployments and Jobs by name: everything that makes pods."""
        return self.of("Deployment") | self.of("Job")

    def environment(self, workload: Object) -> dict[str, str]:
        """The variables of a workload's container, taken from ConfigMaps and Secrets as its node
        would. A name or key that is not there fails the test."""
        variables: dict[str, str] = {}
        for source in listing(container(workload), "envFrom"):
            data = mapping(self.of("ConfigMap")[text(source, "configMapRef", "name")], "data")
            variables |= {key: text(value) for key, value in data.items()}
        for variable in listing(container(workload), "env"):
            entry = mapping(variable)
            if "value" in entry:
                value = text(entry, "value")
            else:
                reference = mapping(entry, "valueFrom", "secretKeyRef")
                value = self.secret(text(reference, "name"))[text(reference, "key")]
            variables[text(entry, "name")] = value
        return variables

    def secret(self, named: str) -> Mapping[str, str]:
        """A Secret's keys and values."""
        from base64 import b64decode

        data = mapping(self.of("Secret")[named], "data")
        return {key: b64decode(text(value)).decode() for key, value in data.items()}


def at(value: JsonValue, *path: str | int) -> JsonValue:
    """What is at the path; a step that is not there fails the test."""
    for step in path:
        if isinstance(step, int):
            assert isinstance(value, list), path
            value = value[step]
        else:
            assert isinstance(value, dict), path
            assert step in value, f"{step} of {'.'.join(map(str, path))} is missing"
            value = value[step]
    return value


def mapping(value: JsonValue, *path: str | int) -> Object:
    """The mapping at the path."""
    found = at(value, *path)
    assert isinstance(found, dict), path
    return found


def listing(value: JsonValue, *path: str | int) -> list[JsonValue]:
    """The list at the path; empty where the last step is not there."""
    parent = mapping(value, *path[:-1])
    found = parent.get(str(path[-1]), [])
    assert isinstance(found, list), path
    return found


def text(value: JsonValue, *path: str | int) -> str:
    """The string at the path."""
    found = at(value, *path)
    assert isinstance(found, str), path
    return found


def number(value: JsonValue, *path: str | int) -> int:
    """The whole number at the path."""
    found = at(value, *path)
    assert isinstance(found, int), path
    return found


def name(value: JsonValue) -> str:
    """An object's name."""
    return text(value, "metadata", "name")


def pod(workload: Object) -> Object:
    """The pods' spec of a Deployment or Job."""
    return mapping(workload, "spec", "template", "spec")


def container(workload: Object) -> Object:
    """The one container."""
    (only,) = listing(pod(workload), "containers")
    return mapping(only)


def pod_labels(workload: Object) -> Object:
    """The labels of a workload's pods."""
    return mapping(workload, "spec", "template", "metadata", "labels")


def selects(selector: JsonValue, labels: Object) -> bool:
    """Whether a label selector (labels, and expressions with In) takes these labels."""
    selector = mapping(selector)
    expressions = listing(selector, "matchExpressions")
    assert all(text(one, "operator") == "In" for one in expressions)
    wanted = mapping(selector, "matchLabels") if "matchLabels" in selector else {}
    return all(labels.get(key) == value for key, value in wanted.items()) and all(
        labels.get(text(one, "key")) in listing(one, "values") for one in expressions
    )
