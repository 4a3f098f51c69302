"""Lanes under a FastStream `KafkaBroker`: FastStream polls, lanes work and commit.

One subscriber reads all topics of a service, in batches and with `AckPolicy.MANUAL`, for every
other policy commits past a record that failed. Four things about FastStream 0.7.8 make this
more than a handler that calls `submit`:

- Its loop drops a batch in which anything raises, and reads on (`recado_lanes.polling`).
- It logs and repeats the client's errors without end. Those that don't pass end the lanes.
- A batch may be polled before a rebalance and get here after it. Each carries its epoch.
- `stop` closes the consumer without a revocation. So `serve` stops the lanes first.
"""

import asyncio
import logging
from collections.abc import Mapping
from datetime import timedelta

from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from faststream import AckPolicy
from faststream.kafka import KafkaBroker

from recado_lanes.batch import Batch
from recado_lanes.kafka import AiokafkaConsumerPort, GroupOptions
from recado_lanes.lanes import Lanes
from recado_lanes.listening import LanesListener
from recado_lanes.options import LaneOptions
from recado_lanes.polling import LanesSubscriber, Poll, decode, parse
from recado_lanes.ports import DeadLetters, Observer
from recado_lanes.record import Handler, KeyOf, Restore

log = logging.getLogger("recado_lanes")


def attach(
    broker: KafkaBroker,
    *,
    handlers: Mapping[str, Handler | Batch],
    dead_letters: DeadLetters,
    group: GroupOptions,
    options: LaneOptions,
    restore: Mapping[str, Restore] | None = None,
    keys: Mapping[str, KeyOf] | None = None,
    ceilings: Mapping[str, int] | None = None,
    observer: Observer | None = None,
) -> Lanes:
    """Subscribe the broker to the handlers' topics and return the lanes that do the work.

    The lanes must run before the broker starts and be stopped before it stops: `serve` does
    so. Topics whose records belong together must have equally many partitions; the range
    assignor then gives equal numbers to the same process. Make the broker with
    `allow_auto_create_topics=False`, or FastStream creates what is missing with one partition.

    Raises `ValueError` if giving partitions back could outlast the rebalance time-out.
    """
    if options.handover >= group.rebalance_timeout:
        raise ValueError(
            f"draining may take {options.handover}, which must be "
            f"less than the rebalance time-out of {group.rebalance_timeout}"
        )
    if broker.config.broker_config.allow_auto_create_topics:
        raise ValueError("make the broker with allow_auto_create_topics=False")
    listener = LanesListener(group)

    def current() -> object:
        return None if listener.subscriber is None else listener.subscriber.consumer

    lanes = Lanes(
        handlers=handlers,
        consumer=AiokafkaConsumerPort(current),
        dead_letters=dead_letters,
        options=options,
        restore=restore,
        keys=keys,
        ceilings=ceilings,
        observer=observer,
    )
    heartbeat = min(group.heartbeat_interval, group.session_timeout / 3)
    subscriber = broker.subscriber(
        *lanes.topics,
        batch=True,
        batch_timeout_ms=_ms(group.poll_timeout),
        max_records=group.max_records,
        group_id=group.group_id,
        ack_policy=AckPolicy.MANUAL,
        listener=listener,
        partition_assignment_strategy=(RangePartitionAssignor,),
        auto_offset_reset=group.auto_offset_reset,
        isolation_level=group.isolation_level,
        session_timeout_ms=_ms(group.session_timeout),
        heartbeat_interval_ms=_ms(heartbeat),
        rebalance_timeout_ms=_ms(group.rebalance_timeout),
        max_poll_interval_ms=_ms(group.max_poll_interval),
        parser=parse,
        decoder=decode,
    )
    # FastStream chooses the class in a factory of its own; ours adds nothing to its layout.
    subscriber.__class__ = LanesSubscriber
    assert isinstance(subscriber, LanesSubscriber)  # noqa: S101 - for the type checker
    subscriber.lanes = lanes
    subscriber.tolerate_missing_offset = group.first_start == "beginning"
    listener.lanes = lanes
    listener.subscriber = subscriber

    @subscriber
    async def take(poll: object) -> None:
        if isinstance(poll, Poll):
            await subscriber.submit(poll)

    return lanes


async def serve(
    broker: KafkaBroker,
    lanes: Lanes,
    until: asyncio.Event,
    *,
    at_once: asyncio.Event | None = None,
    close_timeout: timedelta = timedelta(seconds=10),
) -> None:
    """Consume until the event is set or the lanes fail; raises the lanes' fatal error.

    When `at_once` is set, as by a second signal, draining ends: what is in work is cancelled and
    only what is done is committed.

    The lanes run before the broker starts; at the end they are drained and committed, and only
    then the consumer leaves its group. That takes `close_timeout` at most: a producer waits for
    what it holds to be acknowledged, and while Kafka is away that has no end.
    """
    work = asyncio.create_task(lanes.run(), name="lanes")
    asked = asyncio.create_task(until.wait(), name="until")
    start = asyncio.create_task(broker.start(), name="broker start")
    hurry = asyncio.create_task(_hurry(lanes, at_once or asyncio.Event()), name="at once")
    try:
        await asyncio.wait({work, asked, start}, return_when=asyncio.FIRST_COMPLETED)
        if start.done():
            start.result()
            await asyncio.wait({work, asked}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        asked.cancel()
        start.cancel()
        await lanes.stop()
        hurry.cancel()
        await asyncio.wait({start, asked, hurry})
        await _close(broker, close_timeout)
    await work


async def _hurry(lanes: Lanes, at_once: asyncio.Event) -> None:
    await at_once.wait()
    lanes.hurry()


async def _close(broker: KafkaBroker, within: timedelta) -> None:
    try:
        async with asyncio.timeout(within.total_seconds()):
            await broker.stop()
    except TimeoutError:
        log.warning("the broker could not be closed in %s", within)


def _ms(time: timedelta) -> int:
    return int(time.total_seconds() * 1000)
