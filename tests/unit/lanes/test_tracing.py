"""A span for each record: whose child it is, what it says and what it keeps to itself."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from recado_lanes import Batch, Permanent, Record, Transient
from recado_lanes.tracing import traced

from .conftest import Bench

TRACE = 0x0AF7651916CD43DD8448EB211C80319C
PRODUCER = 0xB7AD6B7169203331


def parent(span: int = PRODUCER, trace_id: int = TRACE) -> tuple[tuple[str, bytes], ...]:
    return (("ce_type", b"letter"), ("traceparent", f"00-{trace_id:032x}-{span:016x}-01".encode()))


def record(headers: tuple[tuple[str, bytes], ...] = (), offset: int = 7) -> Record:
    return Record("letters", 3, offset, b"5491100000001", b"a secret", headers, datetime.now(UTC))


class Spans:
    """What was exported."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.tracer = provider.get_tracer("tests")

    @property
    def all(self) -> tuple[ReadableSpan, ...]:
        return self._exporter.get_finished_spans()

    @property
    def only(self) -> ReadableSpan:
        (span,) = self.all
        return span


@pytest.fixture
def spans() -> Spans:
    return Spans()


async def nothing(_record: Record) -> None:
    """A handler."""


async def test_the_span_is_the_child_of_the_records_producer(spans: Spans) -> None:
    """Named and described by the semantic conventions for messaging."""
    await traced(nothing, spans.tracer)(record(parent()))
    span = spans.only
    assert span.parent is not None
    assert (span.parent.trace_id, span.parent.span_id) == (TRACE, PRODUCER)
    assert (span.name, span.kind) == ("process letters", SpanKind.CONSUMER)
    assert dict(span.attributes or {}) == {
        "messaging.system": "kafka",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": "letters",
        "messaging.destination.partition.id": "3",
        "messaging.kafka.offset": 7,
    }


async def test_what_the_handler_does_belongs_to_the_span(spans: Spans) -> None:
    async def handle(_record: Record) -> None:
        spans.tracer.start_span("inner").end()

    await traced(handle, spans.tracer)(record(parent()))
    inner, outer = spans.all
    assert inner.parent is not None
    assert outer.context is not None
    assert inner.parent.span_id == outer.context.span_id


@pytest.mark.parametrize(
    "headers", [(), (("traceparent", b"\xff\xfe"),), (("traceparent", b"00-0-0-01"),)]
)
async def test_without_a_readable_parent_a_trace_begins(
    spans: Spans, headers: tuple[tuple[str, bytes], ...]
) -> None:
    """Also where a span is current: the poll that brought the record, and others with it."""
    with spans.tracer.start_as_current_span("poll"):
        await traced(nothing, spans.tracer)(record(headers))
    assert spans.all[0].name == "process letters"
    assert spans.all[0].parent is None


@pytest.mark.parametrize(
    ("raised", "name"),
    [
        (lambda: Permanent("a secret"), "Permanent"),
        (lambda: ValueError("a secret"), "ValueError"),
        (asyncio.CancelledError, "CancelledError"),
    ],
)
async def test_an_error_is_named_and_not_quoted(
    spans: Spans, raised: Callable[[], BaseException], name: str
) -> None:
    """It goes on to the lane as it is."""
    error = raised()

    async def fail(_record: Record) -> None:
        raise error

    with pytest.raises(type(error)) as seen:
        await traced(fail, spans.tracer)(record(parent()))
    assert seen.value is error
    span = spans.only
    assert span.status.status_code is StatusCode.ERROR
    assert (span.attributes or {})["error.type"] == name
    assert "secret" not in span.to_json()
    assert "5491100000001" not in span.to_json()


async def test_each_attempt_has_its_span(spans: Spans, bench: Bench) -> None:
    """All of them children of the producer's, the failed ones marked."""
    errors = [Transient("in a moment")]

    async def handle(_record: Record) -> None:
        if errors:
            raise errors.pop()

    bench.kafka.append("letters", b"Ana", headers=parent())
    await bench.settle(await bench.add(traced(handle, spans.tracer)))
    assert [span.status.status_code for span in spans.all] == [StatusCode.ERROR, StatusCode.UNSET]
    assert {span.parent.span_id for span in spans.all if span.parent} == {PRODUCER}


async def test_the_span_of_a_batch_links_to_all_its_records(spans: Spans, bench: Bench) -> None:
    """It is the child of the first one's producer. A record of no trace is none of its links."""

    async def handle(records: Sequence[Record]) -> None:
        assert len(records) == 3

    batch = traced(Batch(handle, settle=timedelta(milliseconds=1)), spans.tracer)
    for headers in (parent(), (), parent(span=5, trace_id=6)):
        bench.kafka.append("letters", b"Ana", key=b"k", headers=headers)
    await bench.settle(await bench.add(batch))
    span = spans.only
    assert span.parent is not None
    assert span.parent.span_id == PRODUCER
    assert [(link.context.trace_id, link.context.span_id) for link in span.links] == [
        (TRACE, PRODUCER),
        (6, 5),
    ]
    assert (span.attributes or {})["messaging.batch.message_count"] == 3


async def test_without_an_sdk_the_producers_trace_goes_on() -> None:
    """No span is made, and what the handler sends on carries the ids that came."""
    seen: list[int] = []

    async def handle(_record: Record) -> None:
        seen.append(trace.get_current_span().get_span_context().trace_id)

    await traced(handle, trace.NoOpTracer())(record(parent()))
    assert seen == [TRACE]
