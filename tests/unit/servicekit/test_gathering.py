"""Records of many calls in few batches: order, who is told what, and what is left behind."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import pytest
from aiokafka.errors import KafkaError, MessageSizeTooLargeError
from hypothesis import given
from hypothesis import strategies as st

from recado.schemas.encoding import EncodedEvent
from recado.servicekit import batches, gathering
from recado.servicekit.gathering import GatheringWriter
from recado.servicekit.kafka import NotAcknowledged

TOPIC = "recado.messages"
OTHER = "recado.webhooks"
ROOM = 3


class Batch:
    def __init__(self) -> None:
        self.values: list[bytes] = []

    def append(
        self,
        *,
        timestamp: int | None,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes]],
    ) -> object | None:
        if value is None or value == b"poison":
            raise TypeError("not bytes")
        if len(self.values) == ROOM:
            return None
        self.values.append(value)
        return object()

    def close(self) -> None:
        """Nobody else appends."""


class Kafka:
    """Takes batches; acknowledges them at once, or when the test says so."""

    def __init__(self, *, at_once: bool = True) -> None:
        self.at_once = at_once
        self.batches: list[tuple[str, int, list[bytes]]] = []
        self.open: dict[str, asyncio.Future[object]] = {}

    def create_batch(self) -> Batch:
        return Batch()

    async def send_batch(
        self, batch: batches.Batch, topic: str, *, partition: int
    ) -> "asyncio.Future[object]":
        assert isinstance(batch, Batch)
        future: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        self.batches.append((topic, partition, batch.values))
        if self.at_once:
            future.set_result(None)
        else:
            assert topic not in self.open or self.open[topic].done(), "one batch at a time"
            self.open[topic] = future
        return future

    def written(self, topic: str) -> list[bytes]:
        return [value for name, _, values in self.batches if name == topic for value in values]


def record(number: int, topic: str = TOPIC, value: bytes | None = None) -> EncodedEvent:
    content = str(number).encode() if value is None else value
    return EncodedEvent(topic, b"key", content, (("ce_id", str(UUID(int=number)).encode()),))


def writer_to(kafka: Kafka, timeout: float = 60.0, partitions: int = 1) -> GatheringWriter:
    counts = {TOPIC: partitions, OTHER: partitions}
    return GatheringWriter(kafka, partitions=counts, timeout=timedelta(seconds=timeout))


async def settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "PAUSE", timedelta(0))
    monkeypatch.setattr(gathering, "SHORT_PAUSE", timedelta(0))


@given(
    calls=st.lists(st.lists(st.integers(0, 5), min_size=1, max_size=5), max_size=8),
    pauses=st.lists(st.booleans(), min_size=8, max_size=8),
)
def test_records_of_a_key_arrive_once_each_in_the_order_of_the_calls(
    calls: list[list[int]], pauses: list[bool]
) -> None:
    async def run() -> None:
        kafka = Kafka()
        writer = writer_to(kafka, partitions=3)
        expected: dict[int, list[bytes]] = {}
        async with asyncio.TaskGroup() as tasks:
            for number, (keys, pause) in enumerate(zip(calls, pauses, strict=False)):
                records = []
                for place, key in enumerate(keys):
                    value = f"{key}:{number}.{place}".encode()
                    records.append(EncodedEvent(TOPIC, str(key).encode(), value, ()))
                    expected.setdefault(key, []).append(value)
                tasks.create_task(writer.write(records))
                if pause:
                    await settled()
        written = kafka.written(TOPIC)
        for key, values in expected.items():
            assert [one for one in written if one.startswith(b"%d:" % key)] == values
        assert len(written) == sum(map(len, expected.values()))
        await writer.close()

    asyncio.run(run())


async def test_what_comes_while_a_batch_is_under_way_goes_with_the_next_one() -> None:
    kafka = Kafka(at_once=False)
    writer = writer_to(kafka)
    calls = [asyncio.create_task(writer.write([record(0)]))]
    await settled()
    calls += [asyncio.create_task(writer.write([record(number)])) for number in (1, 2, 3)]
    await settled()
    assert kafka.written(TOPIC) == [b"0"]

    kafka.open[TOPIC].set_result(None)
    await settled()

    assert [call.done() for call in calls] == [True, False, False, False]
    assert kafka.batches[1:] == [(TOPIC, 0, [b"1", b"2", b"3"])]
    kafka.open[TOPIC].set_result(None)
    await asyncio.gather(*calls)
    await writer.close()


async def test_a_call_returns_only_when_every_record_of_it_is_acknowledged() -> None:
    kafka = Kafka(at_once=False)
    writer = writer_to(kafka)
    call = asyncio.create_task(writer.write([record(1), record(2, OTHER)]))
    await settled()
    kafka.open[TOPIC].set_result(None)
    await settled()
    assert not call.done()
    kafka.open[OTHER].set_result(None)
    await call
    await writer.close()


async def test_a_call_that_ran_out_of_time_before_it_was_handed_over_is_never_written() -> None:
    kafka = Kafka(at_once=False)
    writer = writer_to(kafka, timeout=0.05)
    first = asyncio.create_task(writer.write([record(1)]))
    await settled()
    second = asyncio.create_task(writer.write([record(2)]))
    failures = await asyncio.gather(first, second, return_exceptions=True)
    first_failure, second_failure = failures
    assert isinstance(first_failure, NotAcknowledged)
    assert isinstance(second_failure, NotAcknowledged)
    assert not first_failure.lasts
    assert set(first_failure.late) == {UUID(int=1)}
    assert not second_failure.late

    kafka.open[TOPIC].set_result(None)
    await settled()
    assert first_failure.late[UUID(int=1)].done()
    assert kafka.written(TOPIC) == [b"1"]
    await writer.close()


async def test_a_time_out_without_any_acknowledgement_is_told_from_one_of_some_partitions() -> None:
    """By the first it is known at once that Kafka is away."""
    kafka = Kafka(at_once=False)
    writer = writer_to(kafka, timeout=0.05)
    with pytest.raises(NotAcknowledged) as nothing:
        await writer.write([record(1)])
    assert nothing.value.silent

    other = asyncio.create_task(writer.write([record(2, OTHER)]))
    waiting = asyncio.create_task(writer.write([record(3)]))
    await settled()
    kafka.open[OTHER].set_result(None)
    await other
    with pytest.raises(NotAcknowledged) as something:
        await waiting
    assert not something.value.silent
    await writer.close()


async def test_a_refusal_is_no_silence() -> None:
    kafka = Kafka(at_once=False)
    writer = writer_to(kafka)
    refused = asyncio.create_task(writer.write([record(1)]))
    await settled()
    kafka.open[TOPIC].set_exception(MessageSizeTooLargeError())
    with pytest.raises(NotAcknowledged) as failure:
        await refused
    assert not failure.value.silent
    await writer.close()


async def test_of_a_call_handed_over_in_part_the_rest_follows_and_each_outcome_is_told() -> None:
    """Else a message would be in Kafka without the record of the request that brought it."""
    kafka = Kafka(at_once=False)
    writer = writer_to(kafka, timeout=0.05)
    blocking = asyncio.create_task(writer.write([record(1)]))
    await settled()
    with pytest.raises(NotAcknowledged) as failure:
        await writer.write([record(2), record(3, OTHER)])
    await asyncio.gather(blocking, return_exceptions=True)
    late = failure.value.late
    assert set(late) == {UUID(int=2), UUID(int=3)}

    kafka.open[OTHER].set_exception(KafkaError())
    kafka.open[TOPIC].set_result(None)
    await settled()
    assert kafka.written(TOPIC) == [b"1", b"2"]
    assert late[UUID(int=3)].cancelled()
    assert not late[UUID(int=2)].done()
    kafka.open[TOPIC].set_result(None)
    await settled()
    assert late[UUID(int=2)].result() is None
    await writer.close()


async def test_a_refused_batch_fails_its_own_calls_and_no_others() -> None:
    kafka = Kafka(at_once=False)
    writer = writer_to(kafka)
    refused = asyncio.create_task(writer.write([record(1)]))
    taken = asyncio.create_task(writer.write([record(2, OTHER)]))
    await settled()
    kafka.open[TOPIC].set_exception(MessageSizeTooLargeError())
    kafka.open[OTHER].set_result(None)
    await taken
    with pytest.raises(NotAcknowledged) as failure:
        await refused
    assert failure.value.lasts
    await writer.close()


async def test_whatever_a_batch_fails_with_is_told_as_not_acknowledged() -> None:
    kafka = Kafka(at_once=False)
    writer = writer_to(kafka)
    waiting = asyncio.create_task(writer.write([record(1)]))
    await settled()
    kafka.open[TOPIC].set_exception(RuntimeError("a bug of the client"))
    with pytest.raises(NotAcknowledged):
        await waiting
    await writer.close()


async def test_a_record_that_cannot_be_put_into_a_batch_does_not_end_the_writer() -> None:
    kafka = Kafka()
    writer = writer_to(kafka)
    with pytest.raises(NotAcknowledged):
        await writer.write([record(1), record(2, value=b"poison")])
    await writer.write([record(3)])
    assert kafka.written(TOPIC) == [b"3"]
    await writer.close()


async def test_a_client_that_cancels_its_own_work_does_not_end_the_writer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def cancelled(*_: object, **__: object) -> "asyncio.Future[object]":
        raise asyncio.CancelledError

    kafka = Kafka()
    writer = writer_to(kafka)
    with monkeypatch.context() as patched:
        patched.setattr(kafka, "send_batch", cancelled)
        with pytest.raises(NotAcknowledged):
            await writer.write([record(1)])
    await writer.write([record(2)])
    assert kafka.written(TOPIC) == [b"2"]
    await writer.close()


async def test_when_it_is_closed_everybody_is_told_and_nothing_more_is_taken() -> None:
    kafka = Kafka(at_once=False)
    writer = writer_to(kafka)
    handed_over = asyncio.create_task(writer.write([record(1)]))
    await settled()
    gathered = asyncio.create_task(writer.write([record(2)]))
    await settled()
    await writer.close()
    with pytest.raises(NotAcknowledged):
        await gathered
    assert not handed_over.done()
    writer.forget()
    with pytest.raises(NotAcknowledged):
        await handed_over
    with pytest.raises(NotAcknowledged):
        await writer.write([record(3)])
    assert kafka.written(TOPIC) == [b"1"]


async def test_a_cancelled_call_that_was_not_handed_over_is_never_written() -> None:
    kafka = Kafka(at_once=False)
    writer = writer_to(kafka)
    first = asyncio.create_task(writer.write([record(1)]))
    await settled()
    second = asyncio.create_task(writer.write([record(2)]))
    await settled()
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    kafka.open[TOPIC].set_result(None)
    await first
    await settled()
    assert kafka.written(TOPIC) == [b"1"]
    await writer.close()


async def test_where_many_wait_the_next_look_comes_later_than_where_few_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Company is worth the wait of many."""
    monkeypatch.setattr(gathering, "PAUSE", timedelta(seconds=2))
    monkeypatch.setattr(gathering, "SHORT_PAUSE", timedelta(seconds=1))
    pauses: list[float] = []
    sleep = asyncio.sleep

    async def noted(seconds: float) -> None:
        if seconds:
            pauses.append(seconds)
        await sleep(0)

    monkeypatch.setattr(asyncio, "sleep", noted)
    for calls in (1, gathering.FEW - 1, gathering.FEW, 100):
        kafka = Kafka(at_once=False)
        writer = writer_to(kafka)
        waiting = [asyncio.create_task(writer.write([record(number)])) for number in range(calls)]
        await settled()
        await writer.close()
        writer.forget()
        await asyncio.gather(*waiting, return_exceptions=True)
    assert pauses == [1, 1, 2, 2]
