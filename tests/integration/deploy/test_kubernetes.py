"""The manifests as kustomize builds them, against the schemas of all that they name."""

import pytest

from support.manifests import BASE, EXAMPLE, Manifests, built_text, validate


@pytest.mark.parametrize("folder", [BASE, EXAMPLE])
def test_every_object_fits_its_schema(folder: str) -> None:
    """None is skipped, the custom resources included."""
    manifests = built_text(folder)
    count = len(Manifests(manifests).objects)
    status, said = validate(manifests)
    assert status == 0, said
    assert f"Valid: {count}, Invalid: 0, Errors: 0, Skipped: 0" in said


@pytest.mark.parametrize(
    ("kind", "right", "wrong", "named"),
    [
        ("Deployment", "readinessProbe:", "readynessProbe:", "readynessProbe"),
        ("Deployment", "terminationGracePeriodSeconds: 75", "terminationGracePeriodSeconds: soon",
         "terminationGracePeriodSeconds"),
        ("Deployment", "memory: 768Mi", "memory: 768MiB", "memory"),
        ("Job", "backoffLimit:", "backOffLimit:", "backOffLimit"),
        ("HorizontalPodAutoscaler", "averageUtilization:", "averageUtilisation:",
         "averageUtilisation"),
        ("ScaledObject", "maxReplicaCount:", "maxReplicasCount:", "maxReplicasCount"),
        ("ScaledObject", "scaleTargetRef:", "scaleTarget:", "scaleTarget"),
        ("PodMonitor", "podMetricsEndpoints:", "podMetricEndpoints:", "podMetricEndpoints"),
        ("TriggerAuthentication", "secretTargetRef:", "secretTargetRefs:", "secretTargetRefs"),
    ],
)  # fmt: skip
def test_a_slip_in_a_field_is_refused_and_named(
    kind: str, right: str, wrong: str, named: str
) -> None:
    """Of an object that is right without it."""
    documents = built_text(EXAMPLE).split("\n---\n")
    document = next(one for one in documents if f"\nkind: {kind}\n" in one and right in one)
    assert validate(document)[0] == 0
    status, said = validate(document.replace(right, wrong))
    assert status != 0
    assert named in said


def test_a_kind_without_a_schema_is_an_error() -> None:
    """Not something to pass over."""
    status, said = validate("apiVersion: v1\nkind: Pot\nmetadata: {name: pot}\n")
    assert status != 0
    assert "Errors: 1, Skipped: 0" in said
