"""`recado replay` over messages that went through the whole path."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from recado.cli.records import reader
from recado.schemas import topics
from recado.schemas.events import AnswerGenerated, MessageReceived
from support.command import recado, run_python
from support.world import World

from .customers import Said, on_telegram, on_whatsapp, say, written

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
