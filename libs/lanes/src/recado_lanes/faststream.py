"""Lanes under a FastStream `KafkaBroker`: FastStream polls, lanes work and commit.

One subscriber reads all topics of a service, in batches and with `AckPolicy.MANUAL`, for every
other policy commits past a record that failed. Four things about FastStream 0.7.8 make this
more than a handler that calls `submit`:

- Its loop drops a batch whose parsing, decoding, middleware or handler raises, and reads on:
  the next commit would lose the batch. Headers that are no UTF-8 are enough. So batches are not
  parsed by FastStream, and one that has not come through its stack is submitted all the same.
- It logs and repeats the client's errors without end. Those that don't pass end the lanes.
- A batch may be polled before a rebalance and get here after it. Each carries its epoch.
- `stop` closes the consumer without a revocation. So `serve` stops the lanes first.
"""

import asyncio
import logging
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from itertools import chain
from typing import Final

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import ConsumerStoppedError, KafkaError, NoOffsetForPartitionError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.annotations import KafkaMessage
from faststream.kafka.message import FAKE_CONSUMER
from faststream.kafka.subscriber.usecase import BatchSubscriber

from recado_lanes.batch import Batch
from recado_lanes.errors import ConsumerFailed
from recado_lanes.kafka import (
    AiokafkaConsumerPort,
    GroupOptions,
    commit_beginnings,
    is_expelled,
    to_record,
    waits_for_group,
)
from recado_lanes.lanes import Lanes
from recado_lanes.options import LaneOptions
from recado_lanes.ports import DeadLetters, Observer
from recado_lanes.record import Handler, KeyOf, Partition, Restore

log = logging.getLogger("recado_lanes")

PAUSED_POLL_MS: Final = 20
"""While a partition is paused a poll waits no longer than this."""


class Poll(tuple[ConsumerRecord, ...]):  # noqa: SLOT001 - a tuple can't have slots of its own
    """The records of one poll, with the epoch in which they were polled."""

    epoch: int
    submitted: bool


class LanesSubscriber(BatchSubscriber):
    """FastStream's subscriber with a poll that stamps, and an intake that loses nothing."""

    lanes: Lanes
    tolerate_missing_offset: bool

    async def get_msg(self, consumer: AIOKafkaConsumer) -> Poll:
        """Poll once. An error that does not pass ends the lanes, and the polling with them."""
        try:
            # Not FastStream's own poll: it sleeps after an empty one, deaf to what comes.
            # What was fetched of a partition before it was paused wakes no poll on resuming.
            timeout = min(self.batch_timeout_ms, PAUSED_POLL_MS)
            with self.lanes.turning.polling(partial(waits_for_group, consumer)):
                fetched = await consumer.getmany(
                    timeout_ms=timeout if self.lanes.intake_paused else self.batch_timeout_ms,
                    max_records=self.max_records,
                )
            records = tuple(chain.from_iterable(fetched.values()))
        except ConsumerStoppedError:
            raise
        except NoOffsetForPartitionError as error:
            if not self.tolerate_missing_offset:
                raise self._fatal(error) from error
            # The listener is about to give the partition an offset.
            await asyncio.sleep(self.batch_timeout_ms / 1000)
            records = ()
        except KafkaError as error:
            if error.retriable:
                raise  # FastStream logs it and polls again after a while
            raise self._fatal(error) from error
        except Exception as error:
            raise self._fatal(error) from error
        # No await lies between aiokafka's handing the records out and this line.
        poll = Poll(records)
        poll.epoch = self.lanes.epoch
        poll.submitted = False
        return poll

    def _fatal(self, error: Exception) -> ConsumerStoppedError:
        self._fail("polling failed", error)
        return ConsumerStoppedError()

    def _fail(self, what: str, error: Exception) -> None:
        failure = ConsumerFailed(f"{what}: {type(error).__name__}: {error}")
        failure.__cause__ = error
        self.lanes.fail(failure)

    async def consume_one(self, msg: tuple[ConsumerRecord, ...]) -> None:
        """Through FastStream's stack; past it if something there failed."""
        await super().consume_one(msg)
        if isinstance(msg, Poll) and not msg.submitted:
            log.warning("a middleware failed on a batch of %d records", len(msg))
            await self.submit(msg)

    async def submit(self, poll: Poll) -> None:
        """Give a poll to the lanes. If that fails they end: FastStream would read on past it."""
        poll.submitted = True
        try:
            await self.lanes.submit([to_record(raw) for raw in poll], epoch=poll.epoch)
        except Exception as error:  # noqa: BLE001 - `run` raises it
            self._fail("a batch could not be taken", error)


class LanesListener(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka is untyped
    """Tells the lanes of rebalances. aiokafka swallows what it raises, so it raises nothing."""

    def __init__(self, group: GroupOptions) -> None:
        self._group = group
        self.lanes: Lanes | None = None
        self.subscriber: BatchSubscriber | None = None

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """Drain and commit before the group goes on."""
        if self.lanes is None or self.subscriber is None:
            return
        with self.lanes.turning.handing_over():
            if self.subscriber.consumer is not None and is_expelled(self.subscriber.consumer):
                await self.lanes.on_lost(_partitions(revoked))
            else:
                await self.lanes.on_revoked(_partitions(revoked))

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """Begin. Heartbeats start only when this returns, so it must be quick."""
        if self.lanes is None or self.subscriber is None:
            return
        partitions = _partitions(assigned)
        try:
            if self._group.auto_offset_reset == "none" and self._group.first_start == "beginning":
                async with asyncio.timeout(self._group.session_timeout.total_seconds() / 2):
                    await commit_beginnings(self.subscriber.consumer, partitions)
        except (KafkaError, TimeoutError) as error:
            failure = ConsumerFailed(f"no offset to begin with: {type(error).__name__}")
            failure.__cause__ = error
            self.lanes.fail(failure)
            return
        with self.lanes.turning.handing_over():
            await self.lanes.on_assigned(partitions)


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


async def parse(batch: tuple[ConsumerRecord, ...]) -> KafkaMessage:
    """A message for FastStream's middlewares; nothing in it can fail to be decoded."""
    headers = [
        {name: (value or b"").decode("utf-8", errors="replace") for name, value in raw.headers}
        for raw in batch
    ]
    return KafkaMessage(
        raw_message=batch,
        body=[raw.value or b"" for raw in batch],
        headers=headers[0] if headers else {},
        batch_headers=headers,
        consumer=FAKE_CONSUMER,
    )


async def decode(message: KafkaMessage) -> object:
    """Nothing is decoded here: the handler gets the poll as it is.

    A handler that asked for the message would get it through a thread, as anything from
    FastStream's context, and that costs more than all the rest of its stack.
    """
    return message.raw_message


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


def _partitions(partitions: set[TopicPartition]) -> list[Partition]:
    return [Partition(tp.topic, tp.partition) for tp in partitions]
