"""What is answered already: bounded, by partition, gone with it."""

from recado.rag.coverage import Coverage, PartitionCoverage
from recado.schemas.events import AnswerGenerated
from support.examples import ANSWER_GENERATED
from unit.rag.fakes import message, some_id


def an_answer(number: int, conversation: str = "c") -> AnswerGenerated:
    """The answer to message `number`."""
    return ANSWER_GENERATED.model_copy(
        update={
            "id": some_id(),
            "conversation": conversation,
            "message_ids": (message(number=number).id,),
        }
    )


def test_every_message_of_an_answer_is_covered() -> None:
    coverage = PartitionCoverage()
    both = an_answer(1).model_copy(
        update={"message_ids": (message(number=1).id, message(number=2).id)}
    )
    coverage.add(both)
    assert coverage.covers(message(number=1).id)
    assert coverage.covers(message(number=2).id)
    assert not coverage.covers(message(number=3).id)


def test_an_answer_that_comes_twice_makes_one_exchange() -> None:
    coverage = PartitionCoverage()
    answer = an_answer(1)
    coverage.add(answer, (message(number=1),))
    coverage.add(answer)
    (exchange,) = coverage.exchanges("c")
    assert [entry.role for entry in exchange.entries] == ["user", "assistant"]


def test_the_oldest_are_forgotten_beyond_the_bounds() -> None:
    coverage = PartitionCoverage(max_messages=2, max_conversations=2)
    for number, conversation in enumerate("abc", start=1):
        coverage.add(an_answer(number, conversation))
    assert not coverage.covers(message(number=1).id)
    assert coverage.covers(message(number=3).id)
    assert coverage.exchanges("a") == ()
    assert len(coverage.exchanges("c")) == 1


def test_one_conversation_keeps_its_last_exchanges() -> None:
    coverage = PartitionCoverage()
    answers = [an_answer(number) for number in range(12)]
    for answer in answers:
        coverage.add(answer)
    kept = [exchange.answer_id for exchange in coverage.exchanges("c")]
    assert kept == [answer.id for answer in answers[2:]]


def test_a_partition_that_goes_takes_what_is_known_of_it_along() -> None:
    coverage = Coverage()
    coverage.of(3).add(an_answer(1))
    coverage.of(4).add(an_answer(2))
    coverage.drop([3])
    assert not coverage.of(3).covers(message(number=1).id)
    assert coverage.of(4).covers(message(number=2).id)


def test_what_is_restored_takes_the_place_of_what_was_there() -> None:
    coverage = Coverage()
    coverage.of(3).add(an_answer(1))
    coverage.replace(3, PartitionCoverage())
    assert not coverage.of(3).covers(message(number=1).id)
