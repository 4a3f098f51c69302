"""Who may talk to whom: each process to what it was given the address of, and no further."""

import pytest

from support.manifests import (
    Manifests,
    Object,
    listing,
    mapping,
    name,
    pod_labels,
    selects,
    text,
)

NEEDS = {
    "recado-to-kafka": "RECADO_KAFKA_BOOTSTRAP_SERVERS",
    "recado-to-mongodb": "RECADO_MONGODB_URL",
    "recado-to-weaviate": "RECADO_WEAVIATE_URL",
}
"""A policy, and the variable that only those have whom it takes."""

ONLINE = {"recado-rag", "recado-dispatcher", "recado-indexer"}
"""Gemini, and the platforms."""


def policies_of(example: Manifests, workload: Object, direction: str) -> set[str]:
    """The policies that open something to these pods."""
    return {
        name(policy)
        for policy in example.of("NetworkPolicy").values()
        if selects(mapping(policy, "spec", "podSelector"), pod_labels(workload))
        and direction.lower() in mapping(policy, "spec")
    }


def test_what_is_not_named_is_closed(example: Manifests) -> None:
    """In both directions, for every pod of the namespace."""
    closed = mapping(example.of("NetworkPolicy")["recado-nothing-else"], "spec")
    assert closed == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


@pytest.mark.parametrize(("policy", "variable"), NEEDS.items())
def test_who_was_given_an_address_reaches_it(
    example: Manifests, policy: str, variable: str
) -> None:
    """And nobody else does."""
    for workload in example.workloads().values():
        open_to = policies_of(example, workload, "Egress")
        assert (policy in open_to) == (variable in example.environment(workload)), name(workload)


def test_only_who_asks_gemini_or_a_platform_reaches_the_internet(example: Manifests) -> None:
    """By HTTPS, and never a private address, the cluster's or the cloud's metadata."""
    for workload_name, workload in example.workloads().items():
        open_to = policies_of(example, workload, "Egress")
        assert ("recado-to-the-internet" in open_to) == (workload_name in ONLINE)
    (rule,) = listing(example.of("NetworkPolicy")["recado-to-the-internet"], "spec", "egress")
    assert listing(rule, "ports") == [{"protocol": "TCP", "port": 443}]
    four, six = (mapping(one, "ipBlock") for one in listing(rule, "to"))
    assert {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"} <= {
        text(one) for one in listing(four, "except")
    }
    assert {"fc00::/7", "fe80::/10"} <= {text(one) for one in listing(six, "except")}


def test_ingress_hears_the_controller_and_consumers_only_prometheus(example: Manifests) -> None:
    """Jobs hear nobody."""
    for workload_name, workload in example.workloads().items():
        heard = policies_of(example, workload, "Ingress")
        if workload_name == "recado-ingress":
            assert heard == {"recado-from-ingress-controller", "recado-from-prometheus"}
        elif workload_name in example.of("Deployment"):
            assert heard == {"recado-from-prometheus"}
        else:
            assert not heard
    for policy in ("recado-from-ingress-controller", "recado-from-prometheus"):
        (rule,) = listing(example.of("NetworkPolicy")[policy], "spec", "ingress")
        (peer,) = listing(rule, "from")
        assert "namespaceSelector" in mapping(peer)
