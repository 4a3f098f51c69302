"""Lanes as a service uses them, under FastStream: also for the curve and for failover."""

from datetime import timedelta
from typing import Final

from faststream.kafka import KafkaBroker

from bench.lanes_load import CONCURRENCY
from bench.lanes_meter import Meter
from recado_lanes import BaseObserver, Handler, LaneOptions, Lanes, Record
from recado_lanes.faststream import attach, serve
from recado_lanes.kafka import GroupOptions
from recado_lanes.ports import Observer
from recado_lanes.testing import FakeDeadLetters

HIGH_WATER: Final = 4000
LOW_WATER: Final = 3000


async def lanes(meter: Meter, bootstrap: str, topic: str, group: str) -> None:
    """Untyped and untraced."""

    async def handle(record: Record) -> None:
        await meter.handle(int(record.value or b""))

    broker, attached = prepare(bootstrap, topic, group_of(group), handle)
    await serve(broker, attached, meter.done)


def group_of(name: str) -> GroupOptions:
    """A group in which a killed member is noticed soon."""
    return GroupOptions(group_id=name, session_timeout=timedelta(seconds=6))


def prepare(
    bootstrap: str,
    topic: str,
    group: GroupOptions,
    handler: Handler,
    *,
    concurrency: int = CONCURRENCY,
    observer: Observer | None = None,
) -> tuple[KafkaBroker, Lanes]:
    """A broker and its lanes, for `serve`. Nothing here becomes a dead letter in Kafka."""
    broker = KafkaBroker(bootstrap, allow_auto_create_topics=False, logger=None)
    attached = attach(
        broker,
        handlers={topic: handler},
        dead_letters=FakeDeadLetters(),
        group=group,
        options=LaneOptions(
            service="bench", concurrency=concurrency, high_water=HIGH_WATER, low_water=LOW_WATER
        ),
        observer=observer or BaseObserver(),
    )
    return broker, attached
