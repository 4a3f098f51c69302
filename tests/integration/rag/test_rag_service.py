"""Messages in, answers out, over real parts."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from aiokafka import AIOKafkaConsumer
from pydantic import SecretStr

from integration.rag.conftest import Rag
from recado.rag.conversations import MongoConversations
from recado.rag.coverage import Coverage
from recado.rag.errors import HistoryUnavailable
from recado.rag.restoring import Restorer
from recado.schemas.answers import Rung
from recado_lanes import Record, Unavailable


async def test_a_message_becomes_a_grounded_answer_with_its_sources(rag: Rag) -> None:
    """The first contact is introduced; the conversation's document is its history."""
    said = {
        "id": str(uuid.uuid4()),
        "role": "user",
        "text": "Tengo el plan Hogar",
        "at": datetime.now(UTC) - timedelta(minutes=1),
        "offset": 1,
    }
    database = rag.mongodb[rag.settings.mongodb_database]
    await database["conversations"].insert_one(
        {"_id": rag.conversation, "introduced": False, "recent": [said]}
    )
    message = rag.message("¿Por qué mi internet está lento?")
    async with rag.running():
        await rag.send(message)
        (answer,) = await rag.answers(1)
    assert answer.message_ids == (message.id,)
    assert answer.rung is Rung.GROUNDED
    assert [citation.source for citation in answer.citations] == ["internet-lento.md"]
    assert answer.introduces
    assert "Reinicia el router" in answer.text
    assert [turn.text for turn in answer.history] == ["Tengo el plan Hogar"]
    assert answer.error is None


async def test_without_a_key_or_mongodb_the_best_page_is_quoted(rag: Rag) -> None:
    """MongoDB's address is one where nothing listens."""
    away = SecretStr("mongodb://127.0.0.1:9/?directConnection=true")
    async with rag.running(gemini_api_key=None, mongodb_url=away):
        await rag.send(rag.message("¿cómo pago mi factura?"))
        (answer,) = await rag.answers(1)
    assert answer.rung is Rung.EXTRACTIVE
    assert [citation.source for citation in answer.citations] == ["factura.md"]
    assert "transferencia" in answer.text
    assert answer.error == "no model is configured; history: unavailable"
    assert not answer.introduces


async def test_what_was_answered_before_a_crash_is_not_answered_or_paid_again(rag: Rag) -> None:
    """Published and not committed, as after a kill -9 at the worst moment."""
    mark = uuid.uuid4().hex
    first = rag.message(f"¿Por qué mi internet está lento? {mark}")
    async with rag.running():
        await rag.send(first)
        (before,) = await rag.answers(1)
    await rag.forget_commits()
    second = rag.message("¿y por cable?")
    async with rag.running():
        await rag.send(second)
        answers = await rag.answers(2)
    assert [answer.message_ids for answer in answers] == [(first.id,), (second.id,)]
    assert await rag.model_calls(f"Mensaje del cliente:\n{first.text}") == 1
    # The second process knows what the first one said, though MongoDB's document has nothing.
    assert [turn.text for turn in answers[1].history] == [before.text]


async def test_old_messages_and_repeats_are_passed_over_and_order_is_kept(rag: Rag) -> None:
    """A command waits for no more to come, and ends the wait of what was said before it."""
    old = rag.message("¿Cómo pago?", age=timedelta(hours=13))
    one, two = rag.message("¿Cómo pago la factura?"), rag.message("/ayuda")
    async with rag.running(settle=timedelta(hours=1)):
        await rag.send(old, one, one, two)
        answers = await rag.answers(2)
    assert [answer.message_ids for answer in answers] == [(one.id,), (two.id,)]
    assert [answer.rung for answer in answers] == [Rung.GROUNDED, Rung.COMMAND]


async def test_three_quick_messages_get_one_answer_made_by_one_call(rag: Rag) -> None:
    mark = uuid.uuid4().hex
    texts = ["Hola", f"¿Por qué mi internet está lento? {mark}", "es desde ayer"]
    messages = [rag.message(text) for text in texts]
    async with rag.running():
        await rag.send(*messages)
        (answer,) = await rag.answers(1)
    assert answer.message_ids == tuple(one.id for one in messages)
    assert answer.rung is Rung.GROUNDED
    assert await rag.model_calls(f"{texts[1]}\n{texts[2]}") == 1
    assert await rag.model_calls(mark) == 1


async def test_a_command_stands_alone_at_its_place(rag: Rag) -> None:
    texts = ["¿Cómo pago la factura?", "/reset", "¿Qué planes hay?"]
    messages = [rag.message(text) for text in texts]
    async with rag.running():
        await rag.send(*messages)
        answers = await rag.answers(3)
    assert [answer.message_ids for answer in answers] == [(one.id,) for one in messages]
    assert [answer.resets_history for answer in answers] == [False, True, False]
    assert answers[2].history == ()


async def test_a_message_that_can_t_be_read_costs_the_others_of_its_customer_nothing(
    rag: Rag,
) -> None:
    first, second = rag.message("¿Cómo pago la factura?"), rag.message("¿Qué planes hay?")
    async with rag.running():
        await rag.send(first)
        await rag.send_broken()
        await rag.send(second)
        answers = await rag.answers(2)
    assert [answer.message_ids for answer in answers] == [(first.id,), (second.id,)]


async def test_a_mongodb_that_is_not_there_is_said_to_be_within_a_second_or_so() -> None:
    conversations = MongoConversations(
        SecretStr("mongodb://127.0.0.1:9"), "recado", timeout=timedelta(milliseconds=200)
    )
    async with asyncio.timeout(10):
        with pytest.raises(HistoryUnavailable):
            await conversations.read("whatsapp:demo:1")
    conversations.close()


async def test_while_answers_can_t_be_read_back_the_partition_waits() -> None:
    """To go on without knowing would be to answer twice."""
    coverage = Coverage()
    nowhere = Restorer(coverage, lambda: AIOKafkaConsumer(bootstrap_servers="127.0.0.1:9"))
    first = Record(
        topic="recado.messages",
        partition=3,
        offset=0,
        key=None,
        value=None,
        headers=(),
        timestamp=datetime.now(UTC),
    )
    with pytest.raises(Unavailable):
        await nowhere(first)
