"""Lanes of typed events: decoded by pydantic, with the services' metrics, and with their spans."""

from bench.lanes_floors import make_consumer
from bench.lanes_meter import Meter
from bench.lanes_ours import group_of, prepare
from recado.schemas.encoding import UndecodableEvent, decode
from recado.schemas.events import Event, MessageReceived
from recado.servicekit import logs, tracing
from recado.servicekit.consuming import LaneMetrics, event_of
from recado_lanes import Handler
from recado_lanes.faststream import serve
from recado_lanes.tracing import traced as with_spans
from recado_lanes.typed import typed as with_types


async def decoded(meter: Meter, bootstrap: str, topic: str, group: str) -> None:
    """The floor of typed: aiokafka's `getmany` and the decoding, one record after another."""
    consumer = make_consumer(bootstrap, topic, group)
    await consumer.start()
    try:
        while not meter.done.is_set():
            for records in (await consumer.getmany(timeout_ms=200, max_records=500)).values():
                for record in records:
                    event = decode(record.headers, record.value)
                    assert isinstance(event, MessageReceived)
                    await meter.handle(int(event.platform_message_id or ""))
    finally:
        await consumer.stop()


async def typed(meter: Meter, bootstrap: str, topic: str, group: str) -> None:
    """As the services consume: an event decoded, every metric of theirs."""
    await _serve(_typed(meter), meter, bootstrap, topic, group)


async def traced(meter: Meter, bootstrap: str, topic: str, group: str) -> None:
    """The same with a CONSUMER span for each record, the child of the producer's."""
    tracing.configure("bench")
    await _serve(with_spans(_typed(meter)), meter, bootstrap, topic, group)


def _typed(meter: Meter) -> Handler:
    async def handle(event: Event) -> None:
        if isinstance(event, MessageReceived):
            await meter.handle(int(event.platform_message_id or ""))

    return with_types(event_of, handle, undecodable=UndecodableEvent)


async def _serve(handler: Handler, meter: Meter, bootstrap: str, topic: str, group: str) -> None:
    logs.configure("bench", level="WARNING")
    metrics = LaneMetrics()
    broker, attached = prepare(bootstrap, topic, group_of(group), handler, observer=metrics)
    metrics.watch(attached)
    await serve(broker, attached, meter.done)
