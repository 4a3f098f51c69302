"""Records of many callers gathered into few batches, each caller told of its own.

Handing every record to the producer by itself costs a future, a look-up and a timer for each.
`GatheringWriter` keeps what comes for a partition until the batch before it is acknowledged; then
it makes one batch of it. Between two looks at what has come it pauses, less where few calls wait:
company costs them more than it saves. What it promises:

- `write` returns when Kafka has acknowledged every record of the call. It raises `NotAcknowledged`
  within the time-out, or as soon as one record is known to have failed.
- Records of one partition arrive in the order of the calls, and within a call in that given.
- Of a call that ran out of time before any of its records was handed to the client none is written.
  Else all may be: the client keeps what it has until Kafka is back. `NotAcknowledged.late` then
  says for each event how that ends.
- What the client holds is at most a batch a partition. What waits here is what callers wait for,
  and the rest of calls that were handed over in part.
"""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from copy import copy
from datetime import timedelta
from functools import cache, partial
from types import MappingProxyType
from uuid import UUID

import prometheus_client
from aiokafka.errors import KafkaError, ProducerClosed

from recado.schemas.encoding import EncodedEvent, Headers
from recado.servicekit import metrics
from recado.servicekit.batches import BatchProducer
from recado.servicekit.kafka import Late, NotAcknowledged
from recado.servicekit.partitions import partition_of

PAUSE = timedelta(milliseconds=5)
"""Between two looks at what has come. Whoever comes after a quiet time does not wait for it."""
SHORT_PAUSE = timedelta(milliseconds=1)
"""Where few wait."""
FEW = 8
"""Calls."""


class _Call:
    """A call of `write` that waits."""

    __slots__ = ("deadline", "done", "entries", "handed_over", "left")

    def __init__(self, done: "asyncio.Future[None]", deadline: float, left: int) -> None:
        self.done = done
        self.deadline = deadline
        self.left = left
        self.entries: list[_Entry] = []
        self.handed_over = False


class _Entry:
    """A record of a call, until Kafka acknowledged or refused it."""

    __slots__ = ("acknowledged", "call", "lane", "late", "record")

    def __init__(self, record: EncodedEvent, call: _Call, lane: "_Lane") -> None:
        self.record = record
        self.call = call
        self.lane = lane
        self.acknowledged = False
        self.late: asyncio.Future[None] | None = None


class _Lane:
    """A partition: what was gathered for it, and the batch that is under way."""

    __slots__ = ("gathered", "partition", "topic", "under_way")

    def __init__(self, topic: str, partition: int) -> None:
        self.topic = topic
        self.partition = partition
        self.gathered: list[_Entry] = []
        self.under_way: list[_Entry] = []


class GatheringWriter:
    """Writes through a started producer that nobody else uses. Belongs to one event loop."""

    def __init__(
        self, producer: BatchProducer, *, partitions: Mapping[str, int], timeout: timedelta
    ) -> None:
        """`partitions`: of each topic that is written to, how many it has."""
        self._producer = producer
        self._timeout = timeout.total_seconds()
        self._loop = asyncio.get_running_loop()
        self._lanes = {
            topic: [_Lane(topic, number) for number in range(count)]
            for topic, count in partitions.items()
        }
        self._ready: list[_Lane] = []
        self._calls: deque[_Call] = deque()  # by deadline
        self._timer: asyncio.TimerHandle | None = None
        self._wake = asyncio.Event()
        self._task = asyncio.create_task(self._run(), name="kafka-writer")
        self._waiting = 0
        self._closed = False
        self._acknowledged_at = float("-inf")

    async def write(self, records: Sequence[EncodedEvent]) -> None:
        """Return when Kafka has acknowledged all records. Raises `NotAcknowledged`."""
        if not records:
            return
        if self._closed:
            raise _not_acknowledged(records, ProducerClosed(), {})
        self._waiting += 1
        loop = self._loop
        call = _Call(loop.create_future(), loop.time() + self._timeout, len(records))
        for record in records:
            lanes = self._lanes[record.topic]
            lane = lanes[partition_of(record.partition_key or record.key, len(lanes))]
            if not lane.gathered and not lane.under_way:
                self._ready.append(lane)
            entry = _Entry(record, call, lane)
            lane.gathered.append(entry)
            call.entries.append(entry)
        self._wake.set()
        self._calls.append(call)
        if self._timer is None:
            self._timer = loop.call_at(call.deadline, self._expire)
        try:
            await call.done
        except TimeoutError as error:
            silent = self._acknowledged_at < call.deadline - self._timeout
            raise _not_acknowledged(records, error, self._give_up(call), silent) from error
        except (KafkaError, OSError) as error:
            raise _not_acknowledged(records, error, self._give_up(call)) from error
        except asyncio.CancelledError:
            self._give_up(call)
            raise
        finally:
            self._waiting -= 1

    async def close(self) -> None:
        """Hand nothing more over. Who waits for what was handed over is told how it ends."""
        self._closed = True
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        for lane in self._every_lane():
            gathered, lane.gathered = lane.gathered, []
            _settle(gathered, ProducerClosed())

    def forget(self) -> None:
        """The producer is stopped: of what it still holds nobody will know."""
        if self._timer is not None:
            self._timer.cancel()
        for lane in self._every_lane():
            under_way, lane.under_way = lane.under_way, []
            _settle(under_way, ProducerClosed())

    def _every_lane(self) -> list[_Lane]:
        return [lane for lanes in self._lanes.values() for lane in lanes]

    async def _run(self) -> None:
        short, long = SHORT_PAUSE.total_seconds(), PAUSE.total_seconds()
        before = 0
        while True:
            await self._wake.wait()
            self._wake.clear()
            ready, self._ready = self._ready, []
            for lane in ready:
                if lane.gathered and not lane.under_way:
                    await self._hand_over(lane)
            now = self._waiting
            # Those that waited at the look before may be back in a moment.
            await asyncio.sleep(short if max(now, before) < FEW else long)
            before = now

    async def _hand_over(self, lane: _Lane) -> None:
        """Make a batch of what was gathered, as much as it holds."""
        taken, lane.gathered = lane.gathered, []
        lane.under_way = taken
        try:
            batch = self._producer.create_batch()
            count = 0
            for entry in taken:
                record = entry.record
                headers = list(record.headers)
                fits = batch.append(
                    timestamp=None, key=record.key, value=record.value, headers=headers
                )
                if fits is None:
                    break
                entry.call.handed_over = True
                count += 1
            batch.close()
            lane.under_way, lane.gathered = taken[:count], taken[count:]
            acknowledgement = await self._producer.send_batch(
                batch, lane.topic, partition=lane.partition
            )
        except asyncio.CancelledError:
            if self._task.cancelling():
                raise
            self._end(lane, ProducerClosed())  # not we were cancelled: the client's own work was
        except Exception as error:  # noqa: BLE001 - of other partitions' records nothing is wrong
            self._end(lane, error)
        else:
            acknowledgement.add_done_callback(partial(self._acknowledged, lane))

    def _acknowledged(self, lane: _Lane, acknowledgement: "asyncio.Future[object]") -> None:
        if acknowledgement.cancelled():
            self._end(lane, ProducerClosed())
        else:
            self._end(lane, acknowledgement.exception())

    def _end(self, lane: _Lane, error: BaseException | None) -> None:
        ended, lane.under_way = lane.under_way, []
        if error is None:
            self._acknowledged_at = self._loop.time()
        elif not isinstance(error, KafkaError | OSError):
            error = KafkaError(type(error).__name__)  # whoever waits knows those
        _settle(ended, error)
        if lane.gathered:
            self._ready.append(lane)
            self._wake.set()
        calls = self._calls
        while calls and calls[0].done.done():
            calls.popleft()

    def _expire(self) -> None:
        now = self._loop.time()
        calls = self._calls
        while calls and (calls[0].done.done() or calls[0].deadline <= now):
            call = calls.popleft()
            if not call.done.done():
                call.done.set_exception(TimeoutError())
        self._timer = self._loop.call_at(calls[0].deadline, self._expire) if calls else None

    def _give_up(self, call: _Call) -> Late:
        """What may still become of the call's events; nothing if none was handed over."""
        entries, call.entries = call.entries, []
        late: dict[UUID, asyncio.Future[None]] = {}
        for entry in entries:
            if not call.handed_over:
                if entry in entry.lane.gathered:
                    entry.lane.gathered.remove(entry)
                continue
            outcome = self._loop.create_future()
            if entry.acknowledged:
                outcome.set_result(None)
            elif entry in entry.lane.under_way or entry in entry.lane.gathered:
                entry.late = outcome
            else:
                continue
            if name := dict(entry.record.headers).get("ce_id"):
                late[UUID(name.decode())] = outcome
        return late


def _settle(entries: Sequence[_Entry], error: BaseException | None) -> None:
    """Tell the callers of these records, or whoever learns of it late."""
    if error is None:
        _acknowledge(entries)
        return
    for entry in entries:
        if not entry.call.done.done():
            entry.call.done.set_exception(copy(error))  # one traceback each
        if entry.late is not None:
            entry.late.cancel()


def _acknowledge(entries: Sequence[_Entry]) -> None:
    kinds: dict[tuple[str, bytes], int] = {}
    for entry in entries:
        entry.acknowledged = True
        call = entry.call
        call.left -= 1
        if not call.left and not call.done.done():
            call.entries = []
            call.done.set_result(None)
        if entry.late is not None:
            entry.late.set_result(None)
        kind = entry.record.topic, _type(entry.record.headers)
        kinds[kind] = kinds.get(kind, 0) + 1
    for (topic, name), number in kinds.items():
        _published(topic, name).inc(number)


def _type(headers: Headers) -> bytes:
    for name, value in headers:
        if name == "ce_type":
            return value
    return b""


@cache  # as many as there are types of events
def _published(topic: str, kind: bytes) -> prometheus_client.Counter:
    return metrics.EVENTS_PUBLISHED.labels(topic, kind.decode())


def _not_acknowledged(
    records: Sequence[EncodedEvent], error: BaseException, late: Late, silent: bool = False
) -> NotAcknowledged:
    topics = sorted({record.topic for record in records})
    for topic in topics:
        metrics.PUBLISH_FAILURES.labels(topic).inc()
    return NotAcknowledged(
        topics, type(error).__name__, late=MappingProxyType(dict(late)), silent=silent
    )
