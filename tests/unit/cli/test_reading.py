"""A stretch of a topic, merged by time, from a consumer in memory."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from aiokafka import TopicPartition
from aiokafka.partitioner import DefaultPartitioner
from aiokafka.structs import ConsumerRecord, OffsetAndTimestamp
from hypothesis import given
from hypothesis import strategies as st

from recado.cli.output import CliError
from recado.cli.reading import Stretch, merged, partition_in, spans_of
from recado.schemas.topics import ALL_TOPICS
from recado.servicekit import merging
from recado.servicekit.merging import Span

TOPIC = "recado.messages"
SMALL = 2


class Consumer:
    """Partitions in memory; gives what is neither paused nor read yet, a few at a time."""

    def __init__(self, times: Mapping[int, list[int]], *, topic: str = TOPIC) -> None:
        self.logs = {TopicPartition(topic, number): log for number, log in times.items()}
        self.positions = dict.fromkeys(self.logs, 0)
        self.paused: set[TopicPartition] = set()
        self.given = 0

    def assignment(self) -> set[TopicPartition]:
        return set(self.logs)

    def pause(self, *partitions: TopicPartition) -> None:
        self.paused |= set(partitions)

    def resume(self, *partitions: TopicPartition) -> None:
        self.paused -= set(partitions)

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self.positions[partition] = offset

    async def position(self, partition: TopicPartition) -> int:
        return self.positions[partition]

    async def beginning_offsets(
        self, partitions: list[TopicPartition]
    ) -> dict[TopicPartition, int]:
        return dict.fromkeys(partitions, 0)

    async def end_offsets(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        return {one: len(self.logs[one]) for one in partitions}

    async def offsets_for_times(
        self, at: dict[TopicPartition, int]
    ) -> dict[TopicPartition, OffsetAndTimestamp | None]:
        return {
            one: next(
                (
                    OffsetAndTimestamp(offset, time)
                    for offset, time in enumerate(self.logs[one])
                    if time >= wanted
                ),
                None,
            )
            for one, wanted in at.items()
        }

    async def getmany(
        self, *partitions: TopicPartition, timeout_ms: int, max_records: int
    ) -> dict[TopicPartition, list[ConsumerRecord[bytes, bytes]]]:
        del timeout_ms, max_records
        found = {}
        for one in partitions:
            start = self.positions[one]
            if one in self.paused or start >= len(self.logs[one]):
                continue
            stop = min(start + SMALL, len(self.logs[one]))
            self.positions[one] = stop
            self.given += stop - start
            found[one] = [self._record(one, offset) for offset in range(start, stop)]
        return found

    def _record(self, one: TopicPartition, offset: int) -> ConsumerRecord[bytes, bytes]:
        return ConsumerRecord(
            one.topic, one.partition, offset, self.logs[one][offset], 0, None, b"", None, 0, 0, ()
        )


async def read(consumer: Consumer, stretch: Stretch) -> list[tuple[int, int]]:
    spans = await spans_of(consumer, next(iter(consumer.logs)).topic, stretch)
    return [(one.partition, one.offset) async for one in merged(consumer, spans)]


@given(
    st.dictionaries(
        st.integers(0, 4),
        st.lists(st.integers(0, 50), max_size=20).map(sorted),
        min_size=1,
    )
)
async def test_all_is_read_once_and_merged_by_time(times: dict[int, list[int]]) -> None:
    places = await read(Consumer(times), Stretch())
    assert places == sorted(
        ((number, offset) for number, log in times.items() for offset in range(len(log))),
        key=lambda place: (times[place[0]][place[1]], *place),
    )


async def test_a_partition_keeps_its_order_where_times_do_not_rise() -> None:
    """Writers' clocks differ; offsets do not."""
    places = await read(Consumer({0: [5, 1, 9], 1: [2]}), Stretch())
    assert [place for place in places if place[0] == 0] == [(0, 0), (0, 1), (0, 2)]


async def test_what_comes_while_reading_is_not_read() -> None:
    consumer = Consumer({0: [1, 2]})
    spans = await spans_of(consumer, TOPIC, Stretch())
    consumer.logs[TopicPartition(TOPIC, 0)] += [3, 4]
    assert [one.offset async for one in merged(consumer, spans)] == [0, 1]


async def test_one_partition_that_is_far_ahead_does_not_fill_the_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is paused until the other one has caught up."""
    monkeypatch.setattr(merging, "WAITING", 4)
    consumer = Consumer({0: [9] * 100, 1: [1] * 100})
    spans = await spans_of(consumer, TOPIC, Stretch())
    most = taken = 0
    async for _record in merged(consumer, spans):
        taken += 1
        most = max(most, consumer.given - taken)
    assert taken == 200
    assert most <= 2 * (4 + SMALL)


class Hesitant(Consumer):
    """Every other time it has nothing yet."""

    asked = 0

    async def getmany(
        self, *partitions: TopicPartition, timeout_ms: int, max_records: int
    ) -> dict[TopicPartition, list[ConsumerRecord[bytes, bytes]]]:
        self.asked += 1
        if self.asked % 2 == 0:
            return {}
        return await super().getmany(*partitions, timeout_ms=timeout_ms, max_records=max_records)


async def test_a_reader_may_take_its_time_with_each_record(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its own slowness, or its database's, is not Kafka's silence."""
    monkeypatch.setattr(merging, "PATIENCE", timedelta(milliseconds=20))
    spans = await spans_of(consumer := Hesitant({0: list(range(6))}), TOPIC, Stretch())
    taken = 0
    async for _record in merged(consumer, spans):
        await asyncio.sleep(0.03)
        taken += 1
    assert taken == 6


async def test_since_is_looked_up_and_nothing_before_it_is_read() -> None:
    consumer = Consumer({0: [10, 20, 30], 1: [5], 2: [25]})
    since = datetime.fromtimestamp(0.020, UTC)
    assert await read(consumer, Stretch(since=since)) == [(0, 1), (2, 0), (0, 2)]
    assert consumer.given == 3


async def test_until_ends_the_reading_where_the_broker_sets_the_times() -> None:
    until = datetime.fromtimestamp(0.020, UTC)
    assert await read(Consumer({0: [10, 20, 30]}), Stretch(until=until)) == [(0, 0)]


async def test_until_ends_nothing_where_writers_set_the_times() -> None:
    """A later record may have an earlier time."""
    until = datetime.fromtimestamp(0.020, UTC)
    webhooks = Consumer({0: [10, 20, 15]}, topic="recado.webhooks")
    assert len(await read(webhooks, Stretch(until=until))) == 3


async def test_a_partition_and_an_offset_in_it() -> None:
    consumer = Consumer({0: [1, 2, 3], 1: [1]})
    assert await read(consumer, Stretch(partition=0, from_offset=2)) == [(0, 2)]
    with pytest.raises(CliError, match="no partition 7"):
        await read(consumer, Stretch(partition=7))


async def test_the_last_are_found_without_reading_all_but_for_a_compacted_topic() -> None:
    """There, so many offsets back are fewer records."""
    times = {0: list(range(100))}
    partition = TopicPartition(TOPIC, 0)
    spans = await spans_of(Consumer(times), TOPIC, Stretch(last=5))
    assert spans == {partition: Span(95, 100)}
    documents = Consumer(times, topic="recado.documents")
    whole = await spans_of(documents, "recado.documents", Stretch(last=5))
    assert list(whole.values()) == [Span(0, 100)]


def test_the_partition_of_a_key_is_the_one_that_kafkas_clients_write_it_to() -> None:
    """In each of our topics by its own number of partitions; of others nothing is known."""
    key = "telegram:telegram-demo:890001"
    for topic in ALL_TOPICS:
        partitions = list(range(topic.partitions))
        written_to = DefaultPartitioner()(key.encode(), partitions, partitions)
        assert partition_in(topic.name, key) == written_to
    assert partition_in("somebody.elses", key) is None
