"""`recado timeline` and `recado replay` over messages that went through the whole path."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import httpx
import pytest
import yaml

from recado.cli.finding import Asked, find
from recado.cli.output import CliError
from recado.cli.records import reader
from recado.cli.story import Step, story_of
from recado.devstack.sample import QUESTIONS
from recado.devstack.stack.integrations import (
    TELEGRAM_SECRET_TOKEN,
    WHATSAPP_APP_SECRET,
    WHATSAPP_PHONE_NUMBER_ID,
)
from recado.devstack.webhooks import WebhookPost, WhatsAppText, telegram_post, whatsapp_post
from recado.schemas import ids, topics
from recado.schemas.conversations import User
from recado.schemas.encoding import encode
from recado.schemas.events import AnswerDelivered, AnswerGenerated, MessageReceived
from recado.servicekit.kafka import make_producer
from support.command import recado, run_python
from support.examples import MESSAGE_RECEIVED, TELEGRAM_CHAT
from support.world import World, eventually

BETWEEN = (
    "/start",
    "¿Y si por cable también va mal?",
    "Gracias",
    "¿Quién ganó el mundial de 1986?",
    "/reset",
    "Hola",
    "/ayuda",
)
"""Written between the sample's questions: commands, courtesies, a follow-up, what nobody knows."""

PER_CUSTOMER = 4

AS_PATCHED = """
import sys
import aiokafka

def refused(*_, **__):
    raise RuntimeError("a producer was made")

aiokafka.AIOKafkaProducer.__init__ = refused
from recado.cli.main import main
sys.argv = ["recado", *sys.argv[1:]]
main()
"""
"""The command where nobody can make a producer."""


@dataclass(frozen=True)
class Said:
    """What customers wrote, and the webhooks that bring it."""

    messages: tuple[UUID, ...]
    posts: tuple[WebhookPost, ...]


def on_whatsapp(customer: int, *texts: str) -> Said:
    """All in one webhook: what comes together is answered together, except for commands."""
    written = [WhatsAppText(f"3460{customer}", text) for text in texts]
    post = whatsapp_post(
        [written], phone_number_id=WHATSAPP_PHONE_NUMBER_ID, app_secret=WHATSAPP_APP_SECRET
    )
    return Said(
        tuple(ids.message_id("whatsapp-demo", "message", one.sender, one.id) for one in written),
        (post,),
    )


def on_telegram(customer: int, *texts: str) -> Said:
    """Each in a webhook of its own."""
    numbers = range(1, len(texts) + 1)
    posts = tuple(
        telegram_post(customer, text, secret_token=TELEGRAM_SECRET_TOKEN, message_id=number)
        for number, text in zip(numbers, texts, strict=True)
    )
    return Said(
        tuple(ids.message_id("telegram-demo", "message", str(customer), str(n)) for n in numbers),
        posts,
    )


def written(number: int) -> str:
    """What is written in the message with this number."""
    questions = [one["question"] for one in yaml.safe_load(QUESTIONS.read_text(encoding="utf-8"))]
    if number % 3 == 2:
        return BETWEEN[number // 3 % len(BETWEEN)]
    return str(questions[(number - number // 3) % len(questions)])


async def say(world: World, *said: Said) -> None:
    """Through ingress; return when all of it has an answer that was delivered."""
    wanted = {message for one in said for message in one.messages}
    async with httpx.AsyncClient(timeout=20) as http:
        for one in said:
            for post in one.posts:
                assert (await world.post(http, post)).status_code == 200

    async def all_delivered() -> bool:
        outcomes = await world.events(topics.DELIVERIES, AnswerDelivered)
        return wanted <= {message for outcome in outcomes for message in outcome.message_ids}

    count = len(wanted)
    await eventually(
        all_delivered, f"{count} answers", within=timedelta(minutes=4), every=1 + count / 100
    )
    await world.settle()


async def send(world: World, count: int, first_customer: int) -> tuple[datetime, Said]:
    """So many messages, of both platforms, some of one conversation; since when, and which."""
    people = range(first_customer, first_customer + -(-count // PER_CUSTOMER))
    await world.make_known(numbers=[f"3460{one}" for one in people], chats=list(people))
    await world.settle()
    since = datetime.now(UTC)
    said = []
    for place, customer in enumerate(people):
        numbers = range(place * PER_CUSTOMER, min(count, (place + 1) * PER_CUSTOMER))
        on_platform = on_whatsapp if customer % 2 else on_telegram
        said.append(on_platform(customer, *map(written, numbers)))
    await say(world, *said)
    messages = tuple(message for one in said for message in one.messages)
    return since, Said(messages, tuple(post for one in said for post in one.posts))


async def ends(world: World) -> dict[str, int]:
    """How many records were ever written to each partition of each topic."""
    async with reader(world.settings, *(topic.name for topic in topics.ALL_TOPICS)) as consumer:
        found = await consumer.end_offsets(consumer.assignment())
    return {f"{one.topic}[{one.partition}]": end for one, end in found.items()}


def environment(world: World) -> dict[str, str]:
    return {
        **world.environment,
        "RECADO_LANCEDB_PATH": world.stack.environment["RECADO_LANCEDB_PATH"],
    }


@pytest.mark.parametrize(
    ("count", "first_customer"),
    [(20, 760_000), pytest.param(200, 770_000, marks=pytest.mark.long)],
)
async def test_a_replay_without_a_variation_gives_what_was_sent_and_sends_nothing(
    world: World, tmp_path: Path, count: int, first_customer: int
) -> None:
    """The same texts as were sent; others with another n; no message and no record of it.

    An answer to several messages is one, and tells what all of them said.
    """
    started, sent = await send(world, count, first_customer)
    since = started.isoformat()
    given = {one.id: one for one in await world.events(topics.ANSWERS, AnswerGenerated)}
    answers = {one: answer for answer in given.values() for one in answer.message_ids}
    texts = {one.id: one.text or "" for one in await world.events(topics.MESSAGES, MessageReceived)}
    total = len({answers[one].id for one in sent.messages})
    assert total < count, "nothing was answered together"
    # Reports of the last parts may still be on their way: they are not the replay's.
    await world.settle()
    received, before = len(await world.received()), await ends(world)

    file = tmp_path / "replayed.jsonl"
    replay = ("replay", "--since", since, "--limit", "1000", "--json")
    printed, _ = await run_python(AS_PATCHED, environment(world), *replay, "--out", str(file))
    frozen = json.loads(printed)
    assert frozen["counts"] == {
        "replayed": total, "same": total, "changed": 0, "rung_changed": 0,
        "citations_changed": 0, "without_answer": 0, "lowered_then": 0, "lowered_now": 0,
    }  # fmt: skip
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert {one: line["now"]["text"] for line in lines for one in line["message_ids"]} == {
        str(one): answers[one].text for one in sent.messages
    }
    assert {line["answer_id"]: line["question"] for line in lines} == {
        str(answers[one].id): "\n".join(texts[said] for said in answers[one].message_ids)
        for one in sent.messages
    }
    assert {line["delivery"] for line in lines} == {"delivered"}

    fewer, _ = await recado(environment(world), *replay, "-n", "1")
    changed = json.loads(fewer)
    assert 0 < changed["counts"]["changed"] < total
    assert changed["counts"]["same"] + changed["counts"]["changed"] == total
    for one in changed["results"]:
        assert one["same"] is (one["then"]["text"] == one["now"]["text"])
        if one["now"]["retrieval"] is not None:
            assert len(one["now"]["retrieval"]["passages"]) <= 1
    live, _ = await recado(environment(world), *replay, "-n", "8", "--retrieval", "live")
    searched = json.loads(live)
    assert searched["counts"]["replayed"] == total
    assert {
        one["now"]["retrieval"]["n"] for one in searched["results"] if one["now"]["retrieval"]
    } == {8}
    print({name: json.loads(text)["counts"] for name, text in (("n=1", fewer), ("live", live))})

    assert len(await world.received()) == received
    assert await ends(world) == before


async def test_a_timeline_shows_every_step_by_whichever_name(world: World) -> None:
    """From the webhook to the platform's reports; times rise; any id finds the same steps.

    So it does where one answer is to three messages: it names them all.
    """
    customer, since = 780_001, datetime.now(UTC)
    await world.make_known(numbers=[f"3460{customer}"])
    alone = on_whatsapp(customer, written(0))
    await say(world, alone)
    together = on_whatsapp(customer, "Hola", written(1), "es desde ayer")
    await say(world, together)

    async def reported() -> bool:
        stories = [await story(world, str(one.messages[0])) for one in (alone, together)]
        return all(steps[-1].name == "status delivered" for _, steps in stories)

    await eventually(reported, "the reports on both answers")
    conversation, steps = await story(world, str(alone.messages[0]))
    path = [
        "webhook", "message", "history", "retrieval", "answer", "sent",
        "status sent", "status delivered",
    ]  # fmt: skip
    assert [step.name for step in steps] == path
    assert [step.at for step in steps] == sorted(step.at for step in steps)
    webhook, message, _, retrieval, answer, *_ = steps
    assert message.text == written(0)
    assert len(retrieval.details) == 5
    assert answer.took
    (platform_id,) = (one.removeprefix("whatsapp id ") for one in message.details[:1])
    for name in (platform_id, answer.event_id, webhook.event_id):
        assert await story(world, name or "") == (conversation, steps)

    _, shared = await story(world, str(together.messages[0]))
    assert [step.name for step in shared] == [path[0], *["message"] * 3, *path[2:]]
    for step in shared[4:]:
        assert step.message_ids == together.messages, step.name
    for name in (*map(str, together.messages[1:]), shared[0].event_id):
        assert await story(world, name or "") == (conversation, shared)
    _, whole = await story(world, conversation or "", since=since)
    assert [step.name for step in whole].count("answer") == 2
    assert [step.name for step in whole].count("message") == 4
    with pytest.raises(CliError, match="Nothing in the topics is called 'no-such-id'"):
        await story(world, "no-such-id")

    shown, _ = await recado(world.environment, "timeline", platform_id)
    assert written(0)[:30] in shown
    shown, _ = await recado(world.environment, "timeline", str(together.messages[1]))
    assert all(text[:30] in shown for text in ("Hola", written(1), "es desde ayer"))
    assert "answer #1 #2 #3" in shown
    printed, _ = await recado(world.environment, "timeline", platform_id, "--json")
    (plain,) = json.loads(printed)
    assert [one["step"] for one in plain["steps"]] == [step.name for step in steps]
    assert plain["steps"][0]["from_start_ms"] == 0
    assert all("payload" not in one["value"] for one in plain["events"])


async def story(
    world: World, name: str, *, since: datetime | None = None
) -> tuple[str | None, list[Step]]:
    """The conversation that has this name, or something in it has, and its steps."""
    asked = Asked(name, since or datetime.now(UTC) - timedelta(hours=1))
    (found,) = await find(world.settings, asked)
    return found.conversation, story_of(found.records)


async def test_three_dead_letters_are_mended_sent_back_and_answered_once(
    world: World, tmp_path: Path
) -> None:
    """Broken records are exported, mended by hand and sent back, of rag and dispatcher alike."""
    customers = [str(chat) for chat in await world.new_chats(3)]
    whole = {}
    producer = make_producer(world.settings, "test")
    await producer.start()
    try:
        for customer in customers:
            record = encode(a_message(customer), source="ingress")
            whole[record.key.decode()] = record.value.decode()
            await producer.send_and_wait(
                record.topic,
                key=record.key,
                value=record.value[: len(record.value) // 2],
                headers=list(record.headers),
            )
    finally:
        await producer.stop()
    await world.settle()

    for service in ("rag", "dispatcher"):
        file = tmp_path / f"{service}.jsonl"
        dead = ("dead-letters", service)
        await recado(world.environment, *dead, "--export", str(file))
        letters = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        ours = [letter for letter in letters if letter["key"] in whole]
        assert len(ours) == 3
        assert all(whole[letter["key"]].startswith(letter["value_text"]) for letter in ours)

        again = (*dead, "--redrive-from", str(file), "--yes", "--json")
        write_lines(file, ours)
        refused, _ = await recado(world.environment, *again)
        assert [one["reason"] for one in json.loads(refused)["refused"]] == [
            "no event yet: not a recado.message.received.v1: value"
        ] * 3
        write_lines(file, [one | {"value": json.loads(whole[one["key"]])} for one in ours])
        sent, _ = await recado(world.environment, *again)
        assert len(json.loads(sent)["redriven"]) == 3
        _, errors = await recado(world.environment, *again, status=1)
        assert "was sent back already" in errors

        async def all_answered() -> bool:
            chats = {str(one["chat"]) for one in await world.received("telegram")}
            return chats >= set(customers)

        await eventually(all_answered, "an answer to each mended message")
        await world.settle()
        for customer in customers:
            (answer,) = await world.received("telegram", customer)
            assert "asistente automático" in str(answer["text"])


def a_message(customer: str) -> MessageReceived:
    """A message that asks for help, of this customer on Telegram."""
    chat = TELEGRAM_CHAT.model_copy(update={"chat": customer})
    return MESSAGE_RECEIVED.model_copy(
        update={
            "id": ids.message_id("telegram-demo", "message", customer, "1"),
            "occurred_at": datetime.now(UTC),
            "conversation": ids.conversation_key("telegram", "telegram-demo", customer),
            "reply_to": chat,
            "user": User(id=customer),
            "platform_message_id": "1",
            "text": "/ayuda",
        }
    )


def write_lines(file: Path, lines: list[dict[str, object]]) -> None:
    file.write_text("".join(json.dumps(one) + "\n" for one in lines), encoding="utf-8")
