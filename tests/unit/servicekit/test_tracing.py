"""Spans: their ids travel whether anybody is told of them or not, and both ways look alike."""

import pytest
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from recado.servicekit import tracing

TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> TracerProvider:
    """One as `configure` makes it, whatever the process has."""
    provider = tracing._Provider(Resource.create({}))
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    monkeypatch.setattr(tracing, "_TRACER", provider.get_tracer("test"))
    return provider


@pytest.fixture(params=["unwatched", "watched"])
def spans(provider: TracerProvider, request: pytest.FixtureRequest) -> InMemorySpanExporter:
    exporter = InMemorySpanExporter()
    if request.param == "watched":
        provider.add_span_processor(SimpleSpanProcessor(exporter))
    return exporter


def test_a_span_begins_a_sampled_trace_of_its_own(spans: InMemorySpanExporter) -> None:
    seen = []
    for _ in range(2):
        with tracing.span("one"):
            seen.append(tracing.traceparent() or "")

    assert seen[0].split("-")[1] != seen[1].split("-")[1]
    assert {(one[:3], one[-3:]) for one in seen} == {("00-", "-03")}
    assert tracing.traceparent() is None


def test_a_span_says_its_traceparent_also_where_another_is_current(
    spans: InMemorySpanExporter,
) -> None:
    with tracing.span("outer") as outer:
        of_outer = tracing.traceparent()
        with tracing.span("inner"):
            assert tracing.traceparent(outer) == of_outer != tracing.traceparent()


@pytest.mark.parametrize("flags", ["00", "01", "03"])
def test_a_child_has_the_trace_and_the_sampling_of_its_parent(
    spans: InMemorySpanExporter, flags: str
) -> None:
    with tracing.span("child", parent=f"00-{TRACE}-b7ad6b7169203331-{flags}"):
        child = (tracing.traceparent() or "").split("-")
        with tracing.span("grandchild"):
            grandchild = (tracing.traceparent() or "").split("-")

    assert (child[1], child[3]) == (grandchild[1], grandchild[3]) == (TRACE, flags)
    assert len({"b7ad6b7169203331", child[2], grandchild[2]}) == 3


def test_an_unreadable_parent_begins_a_new_trace(spans: InMemorySpanExporter) -> None:
    with tracing.span("child", parent="00-nonsense"):
        assert tracing.traceparent() is not None


def test_the_span_before_is_current_again_after_a_failure(spans: InMemorySpanExporter) -> None:
    def fail() -> None:
        with tracing.span("inner"):
            raise ValueError

    with tracing.span("outer"):
        before = tracing.traceparent()
        with pytest.raises(ValueError):  # the one above
            fail()
        assert tracing.traceparent() == before


def test_who_looks_is_told_of_spans_and_their_links(provider: TracerProvider) -> None:
    exporter = InMemorySpanExporter()
    with tracing.span("before anybody looked"):
        pass
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with tracing.span("one", links=[f"00-{TRACE}-b7ad6b7169203331-01"]):
        pass

    (told,) = exporter.get_finished_spans()
    assert told.name == "one"
    assert [f"{link.context.trace_id:032x}" for link in told.links] == [TRACE]


def test_another_sampler_decides_also_while_nobody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    provider = tracing._Provider(Resource.create({}))
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    monkeypatch.setattr(tracing, "_TRACER", provider.get_tracer("test"))

    with tracing.span("one"):
        assert (tracing.traceparent() or "")[-2:] in {"00", "02"}
