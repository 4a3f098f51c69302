"""Strict JSON Schemas for the kinds that the manifests use, from what their makers publish.

python tools/kubernetes_schemas.py KUBERNETES_VERSION FOLDER

Kubernetes' own kinds come from `api/openapi-spec/swagger.json` of the Go module k8s.io/kubernetes,
those of KEDA and the Prometheus operator from the CustomResourceDefinitions in their Go modules;
all three are under the Apache License 2.0. Strict: a field that a schema does not name is refused,
as the API server does with `--validate=strict`; and null is no value: it would be dropped silently.

The modules are downloaded into a folder that is gone afterwards (25 MB); Go checks them against
its checksum database. A file is named as kubeconform looks for it: kind, group's first word,
version.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import cast

import yaml

Schema = dict[str, object]

KINDS = (
    ("", "v1", "ConfigMap"),
    ("", "v1", "Namespace"),
    ("", "v1", "Secret"),
    ("", "v1", "Service"),
    ("", "v1", "ServiceAccount"),
    ("apps", "v1", "Deployment"),
    ("autoscaling", "v2", "HorizontalPodAutoscaler"),
    ("batch", "v1", "Job"),
    ("networking.k8s.io", "v1", "Ingress"),
    ("networking.k8s.io", "v1", "NetworkPolicy"),
    ("policy", "v1", "PodDisruptionBudget"),
)

KEDA = "github.com/kedacore/keda/v2@v2.20.2"
PROMETHEUS_OPERATOR = "github.com/prometheus-operator/prometheus-operator@v0.85.0"
RESOURCES = (
    (KEDA, "config/crd/bases/keda.sh_scaledobjects.yaml"),
    (KEDA, "config/crd/bases/keda.sh_triggerauthentications.yaml"),
    (
        PROMETHEUS_OPERATOR,
        "example/prometheus-operator-crd/monitoring.coreos.com_podmonitors.yaml",
    ),
)

META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
INT_OR_STRING: Schema = {"type": ["integer", "string"]}
QUANTITY: Schema = {
    "oneOf": [
        {"type": "string", "pattern": r"^[+-]?[0-9.]+([eE][+-]?[0-9]+|[KMGTPE]i|[numkMGTPE])?$"},
        {"type": "number"},
    ]
}
"""https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/; the API's own
description says string, and its server takes numbers."""


def main(version: str, folder: Path) -> None:
    """Write a schema a kind."""
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as cache:
        kubernetes = module(f"k8s.io/kubernetes@v{version}", cache)
        swagger = json.loads((kubernetes / "api/openapi-spec/swagger.json").read_text())
        definitions: Mapping[str, Schema] = swagger["definitions"]
        for group, api, kind in KINDS:
            write(
                folder, group, api, kind, whole(name_of(definitions, group, api, kind), definitions)
            )
        for source, path in RESOURCES:
            resource = yaml.safe_load((module(source, cache) / path).read_text())["spec"]
            for api in resource["versions"]:
                schema = strict(api["schema"]["openAPIV3Schema"])
                cast("Schema", schema["properties"])["metadata"] = whole(META, definitions)
                write(folder, resource["group"], api["name"], resource["names"]["kind"], schema)


def module(named: str, cache: str) -> Path:
    """The folder of a Go module, downloaded. Raises CalledProcessError."""
    flags = f"{os.environ.get('GOFLAGS', '')} -modcacherw".strip()
    done = subprocess.run(
        ["go", "mod", "download", "-json", named],
        cwd=cache,
        env={**os.environ, "GOMODCACHE": cache, "GOFLAGS": flags},
        stdout=subprocess.PIPE,
        check=True,
    )
    return Path(json.loads(done.stdout)["Dir"])


def write(folder: Path, group: str, api: str, kind: str, schema: Schema) -> None:
    """Under the name that kubeconform looks for, and only for this kind of this version."""
    properties = cast("Schema", schema["properties"])
    properties["apiVersion"] = {"const": f"{group}/{api}" if group else api}
    properties["kind"] = {"const": kind}
    required = cast("list[str]", schema.get("required", []))
    schema["required"] = sorted({*required, "apiVersion", "kind", "metadata"})
    names = [kind.lower(), *([group.partition(".")[0]] if group else []), api]
    (folder / ("-".join(names) + ".json")).write_text(json.dumps(schema))


def name_of(definitions: Mapping[str, Schema], group: str, api: str, kind: str) -> str:
    """The definition of a kind. Raises LookupError where this Kubernetes has none."""
    wanted = {"group": group, "version": api, "kind": kind}
    for name, definition in definitions.items():
        if definition.get("x-kubernetes-group-version-kind") == [wanted]:
            return name
    raise LookupError(f"no {kind} of {group}/{api}")


def whole(name: str, definitions: Mapping[str, Schema]) -> Schema:
    """The strict schema of a definition with all that it refers to inside."""
    needed: dict[str, Schema] = {}
    waiting = [name]
    while waiting:
        current = waiting.pop()
        if current not in needed:
            needed[current] = strict(definitions[current], current)
            waiting += references(needed[current])
    # A reference to itself (a schema inside of a schema) stays one.
    return _inlined(name, needed, ())


def _inlined(name: str, needed: Mapping[str, Schema], above: tuple[str, ...]) -> Schema:
    if name in above:
        return {}
    return cast("Schema", _replaced(needed[name], needed, (*above, name)))


def _replaced(part: object, needed: Mapping[str, Schema], above: tuple[str, ...]) -> object:
    if isinstance(part, dict):
        if "$ref" in part:
            return _inlined(_target(part), needed, above)
        return {key: _replaced(value, needed, above) for key, value in part.items()}
    if isinstance(part, list):
        return [_replaced(value, needed, above) for value in part]
    return part


def references(part: object) -> Iterator[str]:
    """The names of the definitions that a schema refers to."""
    if isinstance(part, dict):
        if "$ref" in part:
            yield _target(part)
        for value in part.values():
            yield from references(value)
    elif isinstance(part, list):
        for value in part:
            yield from references(value)


def _target(reference: Mapping[str, object]) -> str:
    return str(reference["$ref"]).removeprefix("#/definitions/")


def strict(schema: Mapping[str, object], name: str = "") -> Schema:
    """The schema with unknown fields refused, and without what only Kubernetes understands."""
    if schema.get("format") == "int-or-string" or schema.get("x-kubernetes-int-or-string"):
        return QUANTITY if "pattern" in schema else INT_OR_STRING
    if name.endswith(".Quantity"):
        return QUANTITY
    result: Schema = {}
    for key, value in schema.items():
        if key == "properties" and isinstance(value, dict):
            result[key] = {field: strict(inner) for field, inner in value.items()}
        elif key in ("items", "additionalProperties", "not") and isinstance(value, dict):
            result[key] = strict(value)
        elif key in ("anyOf", "oneOf", "allOf") and isinstance(value, list):
            result[key] = [strict(inner) if "type" in inner else inner for inner in value]
        elif key != "description" and not key.startswith("x-kubernetes-"):
            result[key] = value
    if "properties" in result and not schema.get("x-kubernetes-preserve-unknown-fields"):
        result.setdefault("additionalProperties", False)
    return result


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
