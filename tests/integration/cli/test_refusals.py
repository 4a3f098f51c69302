"""What the indexer gave up while a command waited for it is told, and nothing older."""

from dataclasses import replace
from datetime import UTC, datetime

from recado.cli.index import LETTERS
from recado.cli.refusals import letters_behind, refusals
from recado.cli.settings import CliSettings
from recado.devstack.stack.kafka import RealKafka
from recado.knowledge.errors import InvalidDocument
from recado.schemas.encoding import encode
from recado.schemas.topics import dead_letters
from recado.servicekit.kafka import make_producer
from recado.servicekit.topics import apply
from recado_lanes.dead_letter import DeadLetter
from recado_lanes.kafka import KafkaDeadLetters
from recado_lanes.record import Record
from support import examples


async def test_only_the_letters_behind_the_offsets_are_told_by_key(kafka: RealKafka) -> None:
    settings = CliSettings(kafka_bootstrap_servers=kafka.bootstrap)
    await apply(settings, [dead_letters("indexer")])
    written = encode(examples.DOCUMENT_SUBMITTED, source="test")
    record = Record(written.topic, 0, 7, written.key, written.value, written.headers, examples.NOW)
    error = InvalidDocument("internet-lento.md", "part 1 of 3 is missing")
    letter = DeadLetter.of(record, error, service="indexer", attempts=1, at=datetime.now(UTC))
    producer = make_producer(settings, "test")
    await producer.start()
    try:
        letters = KafkaDeadLetters(producer.send_and_wait, LETTERS)
        await letters.publish(replace(letter, record=replace(record, key=b"earlier")))
        behind = await letters_behind(settings, LETTERS)
        assert await refusals(settings, LETTERS, behind) == {}
        await letters.publish(letter)
    finally:
        await producer.stop()
    told = await refusals(settings, LETTERS, behind)
    assert told == {written.key: "internet-lento.md: part 1 of 3 is missing"}
