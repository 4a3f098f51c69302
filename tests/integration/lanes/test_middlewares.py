"""FastStream's own middlewares and its AsyncAPI document with lanes attached, on the real Kafka."""

from collections import Counter

from faststream.kafka import KafkaBroker
from faststream.kafka.opentelemetry import KafkaTelemetryMiddleware
from faststream.kafka.prometheus import KafkaPrometheusMiddleware
from faststream.specification import AsyncAPI
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind
from prometheus_client import CollectorRegistry

from recado_lanes import Record
from recado_lanes.tracing import traced

from .conftest import Group, eventually

RECORDS = 40


class Telemetry:
    """A registry and an exporter in memory, and the middlewares that write into them."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.exporter = InMemorySpanExporter()
        self.provider = TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))

    def add_to(self, broker: KafkaBroker) -> None:
        broker.add_middleware(KafkaPrometheusMiddleware(registry=self.registry))
        broker.add_middleware(KafkaTelemetryMiddleware(tracer_provider=self.provider))

    def total(self, metric: str) -> float:
        """Over all labels."""
        return sum(
            sample.value
            for family in self.registry.collect()
            for sample in family.samples
            if sample.name == metric
        )

    def spans(self, name: str) -> list[ReadableSpan]:
        return [span for span in self.exporter.get_finished_spans() if span.name == name]


async def test_metrics_count_spans_are_made_and_nothing_is_lost(group: Group) -> None:
    """Records published through the same broker: each is counted both ways and handled once, and
    its span is the child of its producer's. The document lists the topic."""
    telemetry = Telemetry()
    handled = Counter[bytes | None]()

    async def handle(record: Record) -> None:
        handled[record.value] += 1

    tracer = telemetry.provider.get_tracer("tests")
    member = await group.member(traced(handle, tracer), prepare=telemetry.add_to)
    await eventually(lambda: bool(member.lanes.assignment))
    for n in range(RECORDS):
        await member.broker.publish(b"%d" % n, group.topic, key=b"k%d" % (n % 7))
    await eventually(lambda: handled.total() >= RECORDS)
    await member.stop()

    assert handled == Counter({b"%d" % n: 1 for n in range(RECORDS)})
    assert await group.committed() == await group.end_offsets()

    assert telemetry.total("faststream_published_messages_total") == RECORDS
    assert telemetry.total("faststream_received_messages_total") == RECORDS
    assert telemetry.total("faststream_received_processed_messages_total") == RECORDS

    polls = telemetry.spans(f"{group.topic} process")
    assert sum(_int(poll, "messaging.batch.message_count") for poll in polls) == RECORDS
    created = {
        span.context.span_id: span.context.trace_id
        for span in telemetry.spans(f"{group.topic} create")
        if span.context and span.kind is SpanKind.PRODUCER
    }
    ours = telemetry.spans(f"process {group.topic}")
    assert {span.parent.span_id: span.parent.trace_id for span in ours if span.parent} == created
    assert len(ours) == len(created) == RECORDS

    document = AsyncAPI(member.broker).to_specification().to_jsonable()
    addresses = [channel["address"] for channel in document["channels"].values()]
    assert addresses == [group.topic]


def _int(span: ReadableSpan, attribute: str) -> int:
    value = (span.attributes or {})[attribute]
    assert isinstance(value, int)
    return value
