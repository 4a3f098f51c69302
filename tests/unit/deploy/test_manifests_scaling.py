"""Who scales what by which lag, and that it is the lag of what the code reads."""

import pytest

from recado.dispatcher import app as dispatcher
from recado.dispatcher.handlers import READS as DISPATCHER_READS
from recado.indexer import app as indexer
from recado.rag import app as rag
from recado.schemas.topics import Topic
from support.manifests import Manifests, container, listing, mapping, number, text

CONSUMERS: dict[str, tuple[str, tuple[Topic, ...]]] = {
    "recado-rag": (rag.GROUP, rag.READS),
    "recado-dispatcher": (dispatcher.GROUP, DISPATCHER_READS),
    "recado-indexer": (indexer.GROUP, indexer.READS),
}
KAFKA_TRIGGER = {
    "bootstrapServersFromEnv",
    "consumerGroup",
    "topic",
    "lagThreshold",
    "activationLagThreshold",
    "offsetResetPolicy",
    "allowIdleConsumers",
    "excludePersistentLag",
    "limitToPartitionsWithLag",
    "version",
    "sasl",
    "tls",
}
"""What we use of the trigger's metadata: `kafkaMetadata` in KEDA 2.20.2, kafka_scaler.go. No schema
knows these names, and KEDA ignores one that it does not know."""

SASL = {"PLAIN": "plaintext", "SCRAM-SHA-256": "scram_sha256", "SCRAM-SHA-512": "scram_sha512"}
"""Our name of a mechanism and KEDA's."""


def test_the_consumers_are_scaled_by_keda_and_ingress_by_its_cpu(example: Manifests) -> None:
    """Each Deployment by one of the two, and its manifest says no number that would undo it."""
    scaled = {
        text(one, "spec", "scaleTargetRef", "name")
        for kind in ("ScaledObject", "HorizontalPodAutoscaler")
        for one in example.of(kind).values()
    }
    assert set(example.of("ScaledObject")) == set(CONSUMERS)
    assert set(example.of("HorizontalPodAutoscaler")) == {"recado-ingress"}
    assert scaled == set(example.of("Deployment"))
    for deployment in example.of("Deployment").values():
        assert "replicas" not in mapping(deployment, "spec")


@pytest.mark.parametrize("service", CONSUMERS)
def test_the_lag_is_that_of_the_topics_and_the_group_of_the_code(
    example: Manifests, service: str
) -> None:
    """A trigger for each topic that is read."""
    group, reads = CONSUMERS[service]
    triggers = [
        mapping(one, "metadata")
        for one in listing(example.of("ScaledObject")[service], "spec", "triggers")
    ]
    assert sorted(text(one, "topic") for one in triggers) == sorted(topic.name for topic in reads)
    assert {text(one, "consumerGroup") for one in triggers} == {group}


@pytest.mark.parametrize("service", CONSUMERS)
def test_there_are_no_more_processes_than_partitions(example: Manifests, service: str) -> None:
    """One more would own nothing; and one is always there."""
    spec = mapping(example.of("ScaledObject")[service], "spec")
    assert number(spec, "maxReplicaCount") == min(one.partitions for one in CONSUMERS[service][1])
    assert 1 <= number(spec, "minReplicaCount") <= number(spec, "maxReplicaCount")


@pytest.mark.parametrize("service", CONSUMERS)
def test_triggers_say_what_keda_understands(example: Manifests, service: str) -> None:
    """Numbers as text, a threshold above KEDA's ten, slow partitions not taken for idle ones."""
    for trigger in listing(example.of("ScaledObject")[service], "spec", "triggers"):
        assert text(trigger, "type") == "kafka"
        metadata = mapping(trigger, "metadata")
        assert set(metadata) <= KAFKA_TRIGGER
        assert int(text(metadata, "lagThreshold")) > 10
        assert metadata["excludePersistentLag"] == "false"
        assert metadata["limitToPartitionsWithLag"] == "true"
        assert metadata["offsetResetPolicy"] == "earliest"


@pytest.mark.parametrize("service", CONSUMERS)
def test_keda_reaches_kafka_as_the_service_does(example: Manifests, service: str) -> None:
    """The same address, protection, mechanism, user and password."""
    deployment = example.of("Deployment")[service]
    variables = example.environment(deployment)
    for trigger in listing(example.of("ScaledObject")[service], "spec", "triggers"):
        metadata = mapping(trigger, "metadata")
        assert text(metadata, "bootstrapServersFromEnv") in variables
        protocol = variables["RECADO_KAFKA_SECURITY_PROTOCOL"]
        assert (metadata["tls"] == "enable") == protocol.endswith("SSL")
        assert metadata["sasl"] == SASL[variables["RECADO_KAFKA_SASL_MECHANISM"]]
        login = example.of("TriggerAuthentication")[text(trigger, "authenticationRef", "name")]
        given = {
            text(one, "parameter"): (text(one, "name"), text(one, "key"))
            for one in listing(login, "spec", "secretTargetRef")
        }
        used = {
            text(one, "name"): mapping(one, "valueFrom", "secretKeyRef")
            for one in listing(container(deployment), "env")
            if "valueFrom" in mapping(one)
        }
        for parameter in ("username", "password"):
            reference = used[f"RECADO_KAFKA_{parameter.upper()}"]
            assert given[parameter] == (reference["name"], reference["key"])
            assert reference["key"] in example.secret(text(reference, "name"))


def test_ingress_scales_out_at_once_and_in_slowly(example: Manifests) -> None:
    """Never below two."""
    (scaler,) = example.of("HorizontalPodAutoscaler").values()
    assert number(scaler, "spec", "minReplicas") >= 2
    behavior = mapping(scaler, "spec", "behavior")
    assert number(behavior, "scaleUp", "stabilizationWindowSeconds") == 0
    assert number(behavior, "scaleDown", "stabilizationWindowSeconds") >= 300
    requests = mapping(
        container(example.of("Deployment")["recado-ingress"]), "resources", "requests"
    )
    assert "cpu" in requests  # what the utilization is of
