"""Answers that Kafka did not take: kept, published again, made anew or given up."""

from datetime import timedelta

import pytest
from aiokafka.errors import MessageSizeTooLargeError, OutOfOrderSequenceNumber

from recado_lanes import Permanent, Unavailable
from unit.rag.fakes import message
from unit.rag.handler import PARTITION, Rag, edit_of, record, three, without_acknowledgement


async def test_an_answer_that_kafka_does_not_take_is_kept_and_the_model_not_paid_twice() -> None:
    rag = Rag()
    rag.topic.away = True
    for _ in range(2):
        with pytest.raises(Unavailable):
            await rag.handle(record(message()))
    assert not rag.coverage.of(PARTITION).covers(message().id)
    rag.topic.away = False
    await rag.handle(record(message()))
    assert len(rag.topic.answers) == 1
    assert len(rag.model.prompts) == 1


async def test_an_answer_that_is_too_large_for_its_topic_is_given_up() -> None:
    rag = Rag()
    rag.topic.away, rag.topic.cause = True, MessageSizeTooLargeError()
    with pytest.raises(Permanent):
        await rag.handle(record(message()))


@pytest.mark.parametrize("cause", [OutOfOrderSequenceNumber(), TimeoutError()])
async def test_a_kafka_that_is_away_is_waited_for(cause: Exception) -> None:
    rag = Rag()
    rag.topic.away, rag.topic.cause = True, cause
    with pytest.raises(Unavailable):
        await rag.handle(record(message()))


async def test_an_answer_that_kafka_did_not_take_until_its_deadline_is_made_anew() -> None:
    """The old one would not be sent any more, and the customer would hear nothing."""
    rag = Rag()
    rag.topic.away = True
    with pytest.raises(Unavailable):
        await rag.handle(record(message()))
    rag.topic.away = False
    rag.clock += timedelta(minutes=15)
    await rag.handle(record(message()))
    (answer,) = rag.topic.answers
    assert answer.deadline > rag.clock


async def test_an_answer_without_acknowledgement_is_published_again_before_a_new_one_is_made() -> (
    None
):
    """It may have been written; the message that joined the batch gets an answer of its own."""
    rag = Rag()
    first, second, third = three()
    await without_acknowledgement(rag, first, second)
    await rag.receive(first, second, third)
    assert [one.message_ids for one in rag.topic.answers] == [
        (first.id, second.id),
        (third.id,),
    ]
    assert len(rag.model.prompts) == 2


async def test_an_answer_to_more_than_the_batch_has_covers_the_others_too() -> None:
    """Batches may also be cut shorter than they were."""
    rag = Rag()
    _, second, third = three()
    await without_acknowledgement(rag, second, third)
    await rag.receive(second)
    await rag.receive(third)
    (answer,) = rag.topic.answers
    assert answer.message_ids == (second.id, third.id)


async def test_an_answer_that_was_read_back_meanwhile_is_not_published_again() -> None:
    """It was written though it was not acknowledged; the partition went and came back."""
    rag = Rag()
    first, second, third = three()
    await without_acknowledgement(rag, first, second)
    (lost,) = {one.answer for one in rag.handler._unpublished.values()}
    rag.coverage.drop([PARTITION])
    rag.coverage.of(PARTITION).add(lost)
    await rag.receive(first, second, third)
    assert [one.message_ids for one in rag.topic.answers] == [(third.id,)]


async def test_what_another_process_answered_meanwhile_is_not_answered_by_what_was_kept() -> None:
    """It cut the batch otherwise and went away: only what it left is answered, by a new answer."""
    rag, other = Rag(), Rag()
    first, second, _ = three()
    await without_acknowledgement(rag, first, second)
    await other.receive(first)
    (theirs,) = other.topic.answers
    rag.coverage.drop([PARTITION])
    rag.coverage.of(PARTITION).add(theirs)
    await rag.receive(first, second)
    assert [one.message_ids for one in rag.topic.answers] == [(second.id,)]
    assert not rag.handler._unpublished


async def test_what_was_kept_is_history_as_it_was_read_then() -> None:
    """Also the messages that the shorter batch doesn't have, and those that were edited."""
    rag = Rag(age=timedelta(seconds=3))
    _, second, third = three()
    await without_acknowledgement(rag, second, third, edit_of(second, "el wifi va lento"))
    await rag.receive(third)
    (exchange,) = rag.coverage.of(PARTITION).exchanges(second.conversation)
    assert [one.text for one in exchange.entries[:2]] == ["el wifi va lento", "desde ayer"]


async def test_an_answer_that_is_too_large_is_made_anew_for_each_message_alone() -> None:
    """Lanes hands a batch that failed for good over again, record by record."""
    rag = Rag()
    _, second, third = three()
    rag.topic.away, rag.topic.cause = True, MessageSizeTooLargeError()
    with pytest.raises(Permanent):
        await rag.receive(second, third)
    rag.topic.away = False
    await rag.receive(second)
    await rag.receive(third)
    assert [one.message_ids for one in rag.topic.answers] == [(second.id,), (third.id,)]
