"""What every pod of the manifests has, and how they are found, probed, stopped and rolled out."""

import inspect
import re
from datetime import timedelta

import pytest

from recado.dispatcher.settings import DispatcherSettings
from recado.indexer.settings import IndexerSettings
from recado.ingress.settings import IngressSettings
from recado.rag.settings import RagSettings
from recado.schemas.topics import SERVICES
from recado.servicekit.kafka import CLOSE_TIMEOUT
from recado.servicekit.settings import ConsumerSettings, ServiceSettings
from recado_lanes import LaneOptions
from recado_lanes.faststream import serve
from support.manifests import (
    Manifests,
    container,
    listing,
    mapping,
    name,
    number,
    pod,
    pod_labels,
    selects,
    text,
)

CONSUMERS: dict[str, type[ConsumerSettings]] = {
    "recado-rag": RagSettings,
    "recado-dispatcher": DispatcherSettings,
    "recado-indexer": IndexerSettings,
}
SETTINGS: dict[str, type[ServiceSettings]] = {"recado-ingress": IngressSettings, **CONSUMERS}
HEALTH_PORT_CLOSES = timedelta(seconds=2)


def test_there_is_a_deployment_a_service(example: Manifests) -> None:
    """And no other."""
    assert set(example.of("Deployment")) == {f"recado-{service}" for service in SERVICES}


def test_every_pod_is_restricted(example: Manifests) -> None:
    """Not root, a read-only file system, no capabilities, no escalation, no token, no links."""
    assert len(example.workloads()) == 7
    for workload in example.workloads().values():
        spec = pod(workload)
        assert spec["automountServiceAccountToken"] is False
        assert spec["enableServiceLinks"] is False
        context = mapping(spec, "securityContext")
        assert context["runAsNonRoot"] is True
        assert context["runAsUser"] == context["runAsGroup"] == 10001
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
        own = mapping(container(workload), "securityContext")
        assert own["readOnlyRootFilesystem"] is True
        assert own["allowPrivilegeEscalation"] is False
        assert own["capabilities"] == {"drop": ["ALL"]}
        assert not spec.keys() & {"hostNetwork", "hostPID", "hostIPC", "initContainers"}
    (namespace,) = example.of("Namespace").values()
    labels = mapping(namespace, "metadata", "labels")
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_the_only_place_to_write_is_an_own_bounded_tmp(example: Manifests) -> None:
    """Everything else that is mounted is a Secret, read-only."""
    for workload in example.workloads().values():
        volumes = {text(one, "name"): mapping(one) for one in listing(pod(workload), "volumes")}
        for mount in map(mapping, listing(container(workload), "volumeMounts")):
            volume = volumes[text(mount, "name")]
            if "emptyDir" in volume:
                assert mount["mountPath"] == "/tmp"
                assert "sizeLimit" in mapping(volume, "emptyDir")
            else:
                assert mount["readOnly"] is True
                assert number(volume, "secret", "defaultMode") == 0o440
        assert "tmp" in volumes


def test_memory_is_limited_and_cpu_is_not(example: Manifests) -> None:
    """Both are requested."""
    for workload in example.workloads().values():
        resources = mapping(container(workload), "resources")
        assert set(mapping(resources, "requests")) == {"cpu", "memory"}
        assert set(mapping(resources, "limits")) == {"memory"}


def test_every_workload_runs_under_an_account_that_is_there(example: Manifests) -> None:
    """A service each; none may talk to the cluster's API by a token."""
    accounts = example.of("ServiceAccount")
    for workload_name, deployment in example.of("Deployment").items():
        assert text(pod(deployment), "serviceAccountName") == workload_name
    assert {text(pod(one), "serviceAccountName") for one in example.workloads().values()} == set(
        accounts
    )
    assert all(one["automountServiceAccountToken"] is False for one in accounts.values())


def test_every_image_has_a_version(example: Manifests) -> None:
    """No tag would be whatever was pushed last."""
    for workload in example.workloads().values():
        repository, _, tag = text(container(workload), "image").rpartition(":")
        assert repository.rpartition("/")[2] in {*(f"recado-{s}" for s in SERVICES), "recado-cli"}
        assert tag
        assert tag != "latest"


def test_selectors_take_their_own_pods_and_no_others(example: Manifests) -> None:
    """Of Deployments, disruption budgets and the Service."""
    workloads = example.workloads()

    def taken(selector: object) -> set[str]:
        assert isinstance(selector, dict)
        return {key for key, one in workloads.items() if selects(selector, pod_labels(one))}

    for deployment_name, deployment in example.of("Deployment").items():
        assert taken(mapping(deployment, "spec", "selector")) == {deployment_name}
    budgets = example.of("PodDisruptionBudget")
    assert set(budgets) == set(example.of("Deployment"))
    for budget_name, budget in budgets.items():
        assert taken(mapping(budget, "spec", "selector")) == {budget_name}
        assert number(budget, "spec", "maxUnavailable") >= 1
    (service,) = example.of("Service").values()
    assert taken({"matchLabels": mapping(service, "spec", "selector")}) == {"recado-ingress"}


@pytest.mark.parametrize("service", SETTINGS)
def test_ports_are_those_that_the_service_listens_on(example: Manifests, service: str) -> None:
    """The container's port is the setting's; probes name it."""
    deployment = example.of("Deployment")[service]
    (port,) = listing(container(deployment), "ports")
    variables = example.environment(deployment)
    assert "RECADO_PORT" not in variables
    assert number(port, "containerPort") == SETTINGS[service].model_fields["port"].default
    assert variables["RECADO_HOST"] == "0.0.0.0"
    probes = {"startupProbe": "/healthz", "livenessProbe": "/healthz", "readinessProbe": "/readyz"}
    for probe, path in probes.items():
        asked = mapping(container(deployment), probe, "httpGet")
        assert asked == {"path": path, "port": text(port, "name")}


def test_webhooks_reach_ingress_and_nothing_else_does(example: Manifests) -> None:
    """By HTTPS; /metrics and /docs are on the same port and not routed."""
    (ingress,) = example.of("Ingress").values()
    (rule,) = listing(ingress, "spec", "rules")
    (path,) = listing(rule, "http", "paths")
    assert text(path, "path") == "/api/integrations/webhooks"
    (service,) = example.of("Service").values()
    backend = mapping(path, "backend", "service")
    assert backend["name"] == name(service)
    (port,) = listing(service, "spec", "ports")
    assert mapping(backend, "port") == {"name": text(port, "name")}
    (target,) = listing(container(example.of("Deployment")["recado-ingress"]), "ports")
    assert text(port, "targetPort") == text(target, "name")
    (tls,) = listing(ingress, "spec", "tls")
    assert listing(tls, "hosts") == [text(rule, "host")]


@pytest.mark.parametrize("service", CONSUMERS)
def test_a_consumer_is_given_longer_than_its_slowest_stop(example: Manifests, service: str) -> None:
    """Drain, cancel, commit, leave the group, close two producers and the port."""
    deployment = example.of("Deployment")[service]
    drain: timedelta = CONSUMERS[service].model_fields["drain_timeout"].default
    lanes = LaneOptions(service="any", drain_budget=drain).handover
    leave: timedelta = inspect.signature(serve).parameters["close_timeout"].default
    slowest = lanes + leave + 2 * CLOSE_TIMEOUT + HEALTH_PORT_CLOSES
    grace = timedelta(seconds=number(pod(deployment), "terminationGracePeriodSeconds"))
    assert grace > slowest
    assert "RECADO_DRAIN_TIMEOUT" not in example.environment(deployment)
    assert "lifecycle" not in container(deployment)


def test_ingress_is_given_longer_than_its_slowest_stop(example: Manifests) -> None:
    """The wait for balancers, open requests, rejections, Kafka."""
    deployment = example.of("Deployment")["recado-ingress"]
    wait = number(container(deployment), "lifecycle", "preStop", "sleep", "seconds")
    assert 5 <= wait <= 10
    fields = IngressSettings.model_fields
    slowest = timedelta(seconds=wait) + CLOSE_TIMEOUT
    for field in ("drain_delay", "drain_timeout", "publish_timeout"):
        slowest += fields[field].default
    grace = timedelta(seconds=number(pod(deployment), "terminationGracePeriodSeconds"))
    assert grace > slowest


def test_a_rollout_of_consumers_adds_no_process_and_of_ingress_takes_none(
    example: Manifests,
) -> None:
    """A process more is a rebalance more; a webhook needs somebody to answer it."""
    for deployment_name, deployment in example.of("Deployment").items():
        rolling = mapping(deployment, "spec", "strategy", "rollingUpdate")
        if deployment_name == "recado-ingress":
            assert rolling["maxUnavailable"] == 0
        else:
            assert rolling == {"maxSurge": 0, "maxUnavailable": "50%"}


def test_prometheus_finds_every_service_and_no_job(example: Manifests) -> None:
    """By the port that has /metrics."""
    (monitor,) = example.of("PodMonitor").values()
    taken = {
        key
        for key, workload in example.workloads().items()
        if selects(mapping(monitor, "spec", "selector"), pod_labels(workload))
    }
    assert taken == set(example.of("Deployment"))
    (endpoint,) = listing(monitor, "spec", "podMetricsEndpoints")
    assert text(endpoint, "path") == "/metrics"
    for deployment in example.of("Deployment").values():
        (port,) = listing(container(deployment), "ports")
        assert text(endpoint, "port") == text(port, "name")


@pytest.mark.parametrize("service", SERVICES)
def test_the_job_that_prometheus_sees_is_the_service(example: Manifests, service: str) -> None:
    """As deploy/prometheus calls it: the dashboard and the alerts tell services apart by it."""
    (monitor,) = example.of("PodMonitor").values()
    (endpoint,) = listing(monitor, "spec", "podMetricsEndpoints")
    (rule,) = listing(endpoint, "relabelings")
    label = pod_labels(example.of("Deployment")[f"recado-{service}"])["app.kubernetes.io/name"]
    assert listing(rule, "sourceLabels") == ["__meta_kubernetes_pod_label_app_kubernetes_io_name"]
    assert text(rule, "targetLabel") == "job"
    template = text(rule, "replacement").replace("$1", r"\1")
    found = re.fullmatch(text(rule, "regex"), str(label))
    assert found is not None
    assert found.expand(template) == service
