"""Messages that came together get one answer, which covers them all."""

from datetime import timedelta

from prometheus_client import REGISTRY

from recado.schemas import ids
from recado.schemas.webhooks import MessageKind
from unit.rag.fakes import message
from unit.rag.handler import PARTITION, Rag, edit_of, three


async def test_three_messages_get_one_answer_that_covers_them() -> None:
    rag = Rag()
    messages = three()
    await rag.receive(*messages)
    (answer,) = rag.topic.answers
    assert answer.message_ids == tuple(one.id for one in messages)
    assert answer.id == ids.answer_id(one.id for one in messages)
    assert len(rag.model.prompts) == 1
    assert all(rag.coverage.of(PARTITION).covers(one.id) for one in messages)


async def test_all_three_are_history_of_the_next_message() -> None:
    rag = Rag(age=timedelta(seconds=3))
    await rag.receive(*three())
    await rag.receive(message("¿y por cable?", number=4, after=timedelta(seconds=9)))
    assert [turn.text for turn in rag.topic.answers[1].history[:3]] == [
        "Hola",
        "el internet va lento",
        "desde ayer",
    ]


async def test_what_is_covered_already_is_left_out_of_the_answer_to_the_rest() -> None:
    """After a crash the batch is cut otherwise."""
    rag = Rag()
    first, second, third = three()
    await rag.receive(first, second)
    await rag.receive(first, second, third)
    assert [one.message_ids for one in rag.topic.answers] == [
        (first.id, second.id),
        (third.id,),
    ]


async def test_a_message_that_is_in_a_batch_twice_counts_once() -> None:
    rag = Rag()
    (_, second, third) = three()
    await rag.receive(second, third, second)
    (answer,) = rag.topic.answers
    assert answer.message_ids == (second.id, third.id)


async def test_a_message_that_was_edited_meanwhile_is_answered_as_it_is_now() -> None:
    rag = Rag()
    first = message("no tengo intrenet", number=1)
    await rag.receive(first, edit_of(first, "no tengo internet"))
    (answer,) = rag.topic.answers
    assert answer.message_ids == (first.id,)
    assert "no tengo internet" in rag.model.prompts[0].turns[-1].text
    assert "intrenet" not in rag.model.prompts[0].turns[-1].text


async def test_a_message_that_was_taken_back_meanwhile_is_not_answered() -> None:
    rag = Rag()
    first, second = message("hola, me equivoqué", number=1), message("¿hay avería?", number=2)
    revoked = message(None, number=3, kind=MessageKind.REVOKE)
    revoked = revoked.model_copy(update={"quoted_message_id": first.platform_message_id})
    before = skipped("taken_back")
    await rag.receive(first, second, revoked)
    (answer,) = rag.topic.answers
    assert answer.message_ids == (second.id,)
    assert skipped("taken_back") == before + 1


def skipped(reason: str) -> float:
    """How many messages were left out for it."""
    counted = REGISTRY.get_sample_value("recado_messages_skipped_total", {"reason": reason})
    return counted or 0.0
