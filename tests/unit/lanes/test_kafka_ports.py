"""The aiokafka adapters, without a broker: what they make of records and errors."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import (
    CommitFailedError,
    GroupAuthorizationFailedError,
    GroupCoordinatorNotAvailableError,
    IllegalStateError,
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    NotEnoughReplicasError,
)
from faststream.kafka import KafkaBroker

from recado_lanes import (
    BaseObserver,
    CommitRejected,
    ConsumerFailed,
    DeadLetter,
    LaneOptions,
    Partition,
    Record,
    Unavailable,
)
from recado_lanes.faststream import attach
from recado_lanes.kafka import AiokafkaConsumerPort, GroupOptions, KafkaDeadLetters, to_record
from recado_lanes.polling import LanesSubscriber, Poll
from recado_lanes.testing import FakeDeadLetters

OFFSETS = {Partition("letters", 0): 5}


class Coordinator:
    generation = 3


class Client:
    """As much of an AIOKafkaConsumer as the port uses."""

    def __init__(self, error: Exception | None = None) -> None:
        self._coordinator = Coordinator()
        self.error = error
        self.commits: list[Mapping[TopicPartition, int]] = []
        self.paused: list[TopicPartition] = []

    def assignment(self) -> frozenset[TopicPartition]:
        return frozenset({TopicPartition("letters", 0)})

    def pause(self, *partitions: TopicPartition) -> None:
        self.paused.extend(partitions)

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        if self.error is not None:
            raise self.error
        self.commits.append(offsets)


@pytest.mark.parametrize(
    "error", [CommitFailedError(), IllegalStateError(), GroupCoordinatorNotAvailableError()]
)
async def test_a_commit_that_may_work_later_is_rejected(error: KafkaError) -> None:
    with pytest.raises(CommitRejected):
        await AiokafkaConsumerPort(lambda: Client(error)).commit(OFFSETS)


async def test_a_commit_that_is_not_allowed_is_fatal() -> None:
    port = AiokafkaConsumerPort(lambda: Client(GroupAuthorizationFailedError()))
    with pytest.raises(ConsumerFailed):
        await port.commit(OFFSETS)


async def test_an_expelled_member_does_not_commit() -> None:
    """aiokafka would send it without a generation, and an empty group would take it."""
    client = Client()
    client._coordinator.generation = -1
    with pytest.raises(CommitRejected):
        await AiokafkaConsumerPort(lambda: client).commit(OFFSETS)
    assert client.commits == []


async def test_nothing_is_committed_if_a_partition_is_not_assigned() -> None:
    client = Client()
    with pytest.raises(CommitRejected):
        await AiokafkaConsumerPort(lambda: client).commit({**OFFSETS, Partition("letters", 1): 2})
    assert client.commits == []


async def test_without_a_consumer_a_commit_is_rejected_and_a_pause_ignored() -> None:
    port = AiokafkaConsumerPort(lambda: None)
    port.pause([Partition("letters", 0)])
    with pytest.raises(CommitRejected):
        await port.commit(OFFSETS)


def test_pausing_what_is_not_assigned_is_ignored() -> None:
    client = Client()
    AiokafkaConsumerPort(lambda: client).pause([Partition("letters", 0), Partition("letters", 1)])
    assert client.paused == [TopicPartition("letters", 0)]


def polled(**changes: object) -> "ConsumerRecord[bytes, bytes]":
    """A record as aiokafka hands it out."""
    raw: ConsumerRecord[bytes, bytes] = ConsumerRecord(
        topic="letters",
        partition=1,
        offset=7,
        timestamp=1_500,
        timestamp_type=0,
        key=b"k",
        value=None,
        checksum=None,
        serialized_key_size=1,
        serialized_value_size=-1,
        headers=(("a", b"\xff"), ("b", None)),
    )
    return replace(raw, **changes)


def test_a_record_is_taken_over_unchanged_and_an_absent_header_value_becomes_empty() -> None:
    assert to_record(polled()) == Record(
        topic="letters",
        partition=1,
        offset=7,
        key=b"k",
        value=None,
        headers=(("a", b"\xff"), ("b", b"")),
        timestamp=datetime(1970, 1, 1, 0, 0, 1, 500_000, tzinfo=UTC),
    )


@pytest.mark.parametrize("timestamp", [-1, -(2**63), 10**15, 2**63 - 1])
def test_a_timestamp_that_is_no_date_costs_no_record(timestamp: int) -> None:
    """A writer may send any number; an error here would hold up the whole partition."""
    assert to_record(polled(timestamp=timestamp)).timestamp.tzinfo is UTC


async def test_a_batch_that_can_not_be_taken_ends_the_lanes() -> None:
    """FastStream would log it and read on, and the next commit would lose the batch."""
    broker = KafkaBroker(allow_auto_create_topics=False)
    lanes = attach(
        broker,
        handlers={"letters": _never},
        dead_letters=FakeDeadLetters(),
        group=GroupOptions(group_id="group"),
        options=LaneOptions(service="tests"),
        observer=BaseObserver(),
    )
    (subscriber,) = broker.subscribers
    assert isinstance(subscriber, LanesSubscriber)
    poll = Poll([polled(offset="not a number")])
    poll.epoch = lanes.epoch
    await subscriber.submit(poll)
    assert isinstance(lanes.failure, ConsumerFailed)


async def _never(record: Record) -> None:
    raise AssertionError(record)


def letter(*, key: bytes | None = b"k", value: bytes | None = b"v") -> DeadLetter:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    record = Record("letters", 0, 0, key=key, value=value, headers=(), timestamp=now)
    return DeadLetter.of(record, ValueError("\ud800"), service="tests", attempts=1, at=now)


class Producer:
    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.sent: list[tuple[str, bytes | None, bytes | None]] = []

    async def send(
        self,
        topic: str,
        value: bytes | None = None,
        key: bytes | None = None,
        *,
        headers: list[tuple[str, bytes]],
    ) -> None:
        if self.error is not None:
            raise self.error
        self.sent.append((topic, value, key))


@pytest.mark.parametrize("error", [KafkaTimeoutError(), NotEnoughReplicasError()])
async def test_a_dead_letter_that_may_be_stored_later_is_unavailable(error: KafkaError) -> None:
    with pytest.raises(Unavailable):
        await KafkaDeadLetters(Producer(error).send, "dead").publish(letter())


async def test_a_dead_letter_that_is_too_large_is_not() -> None:
    with pytest.raises(MessageSizeTooLargeError):
        await KafkaDeadLetters(Producer(MessageSizeTooLargeError()).send, "dead").publish(letter())


async def test_a_record_with_neither_key_nor_value_has_a_dead_letter_too() -> None:
    producer = Producer()
    await KafkaDeadLetters(producer.send, "dead").publish(letter(key=None, value=None))
    assert producer.sent == [("dead", b"", None)]


def test_no_key_value_header_or_error_text_shows_in_a_repr() -> None:
    """They end up in logs."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    record = Record(
        "t", 0, 0, key=b"SECRET", value=b"SECRET", headers=(("h", b"SECRET"),), timestamp=now
    )
    dead = DeadLetter.of(record, ValueError("SECRET"), service="tests", attempts=1, at=now)
    assert "SECRET" not in repr(dead)
