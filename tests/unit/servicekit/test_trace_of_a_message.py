"""The trace of one message over the whole path, from the webhook to the platform."""

from collections.abc import Iterator

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from recado.schemas.encoding import EncodedEvent, encode
from recado.schemas.events import Event
from recado.servicekit import tracing
from recado_lanes import Record
from support.dispatching import World
from support.examples import NOW
from unit.ingress.receiving import Bench
from unit.rag.fakes import message
from unit.rag.handler import PARTITION, Rag

SpanId = tuple[int, int]
"""Of the trace and of the span in it."""


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    """All spans of the process while the test runs: services share its provider."""
    provider = trace.get_tracer_provider()
    if not isinstance(provider, TracerProvider):
        provider = TracerProvider()
        trace.set_tracer_provider(provider)
    exporter = InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    yield exporter
    exporter.shutdown()


class Written:
    """What a service writes, encoded as `recado.servicekit.kafka.Publisher` does."""

    def __init__(self) -> None:
        self.records: list[EncodedEvent] = []

    async def publish(self, *events: Event) -> None:
        traceparent = tracing.traceparent()
        self.records += [encode(one, source="test", traceparent=traceparent) for one in events]


def taken(encoded: EncodedEvent) -> Record:
    """As lanes hands it over."""
    return Record(
        encoded.topic, PARTITION, 0, encoded.key, encoded.value, tuple(encoded.headers), NOW
    )


def written_in(record: EncodedEvent) -> SpanId:
    """The span in which a record was written."""
    _, trace_id, span_id, _ = (tracing.traceparent_of(record.headers) or "").split("-")
    return int(trace_id, 16), int(span_id, 16)


def parents(spans: InMemorySpanExporter) -> dict[SpanId, SpanId | None]:
    """The parent of each span that has ended."""

    def parent(span: ReadableSpan) -> SpanId | None:
        return None if span.parent is None else (span.parent.trace_id, span.parent.span_id)

    return {
        (span.context.trace_id, span.context.span_id): parent(span)
        for span in spans.get_finished_spans()
        if span.context is not None
    }


async def test_each_service_goes_on_in_the_span_that_wrote_its_record(
    spans: InMemorySpanExporter,
) -> None:
    """Webhook, answer and sending: one trace, and each span the child of the one before."""
    ingress = Bench()
    await ingress.post({"messages": ["a"]})
    webhook = written_in(ingress.published[0][0])

    # The message that rag's fakes know the answer to goes on with the trace of the webhook.
    rag, answers = Rag(), Written()
    rag.topic.publish = answers.publish  # type: ignore[method-assign]  # what is written is kept
    traceparent = tracing.traceparent_of(ingress.published[0][0].headers)
    await rag.handle(taken(encode(message(), source="ingress", traceparent=traceparent)))
    (answer,) = answers.records

    dispatcher, sending = World(), list[SpanId]()

    async def look() -> None:
        current = trace.get_current_span().get_span_context()
        sending.append((current.trace_id, current.span_id))

    dispatcher.platforms.before_answering = look
    await dispatcher.handlers.handle(taken(answer))

    parent_of = parents(spans)
    assert parent_of[webhook] is None
    assert parent_of[written_in(answer)] == webhook
    assert [parent_of[one] for one in sending] == [written_in(answer)]
