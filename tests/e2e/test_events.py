"""`recado events` and `recado dead-letters` against a running Recado, as a user types them."""

import json
import sys
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from pydantic import JsonValue

from recado.cli.commands import run_command
from recado.cli.event_lines import Wanted, as_json
from recado.cli.events import Query, collect, topic_named
from recado.cli.reading import Stretch
from recado.devstack.stack.integrations import TELEGRAM_SECRET_TOKEN
from recado.devstack.webhooks import telegram_post
from recado.schemas import topics
from recado.servicekit.kafka import make_producer
from support.command import recado
from support.world import World, eventually

LETTERS = topics.dead_letters("rag").name


async def asked(world: World, question: str) -> str:
    """The new conversation in which this was asked and answered."""
    (chat,) = await world.new_chats(1)
    written, _ = await recado(
        world.environment, "ask", question, "--customer", str(chat), "--platform", "telegram",
        "--json",
    )  # fmt: skip
    conversation: str = json.loads(written)["conversation"]
    return conversation


async def test_the_events_of_a_conversation_are_shown_counted_and_exported(
    world: World, tmp_path: Path
) -> None:
    """One message and one answer, each where it belongs, whichever way it is looked at."""
    question = "¿Por qué mi internet está lento?"
    conversation = await asked(world, question)
    ours = ("--conversation", conversation, "--since", "10m")

    shown, _ = await recado(world.environment, "events", "messages", *ours)
    assert len(shown.splitlines()) == 1
    assert "message.received" in shown
    assert question not in shown
    with_text, _ = await recado(world.environment, "events", "recado.messages", *ours, "--text")
    assert question in with_text

    counted, _ = await recado(world.environment, "events", "answers", *ours, "--count", "--json")
    assert json.loads(counted) == {"recado.answer.generated.v1": 1}

    file = tmp_path / "answers.jsonl"
    export = ("events", "answers", *ours, "--export", str(file))
    await recado(world.environment, *export)
    (line,) = file.read_text(encoding="utf-8").splitlines()
    answer = json.loads(line)
    assert answer["key"] == conversation
    assert answer["value"]["type"] == "answer.generated"
    assert {"topic", "partition", "offset", "timestamp", "headers"} <= answer.keys()

    file.write_text("kept", encoding="utf-8")
    _, errors = await recado(world.environment, *export, status=1)
    assert "--force replaces it" in errors
    assert file.read_text(encoding="utf-8") == "kept"
    await recado(world.environment, *export, "--force")
    assert json.loads(file.read_text(encoding="utf-8")) == answer


async def test_a_trace_leads_from_the_message_to_its_answer_and_delivery(world: World) -> None:
    """One trace id finds one record in each topic, and an offset finds the record again."""
    conversation = await asked(world, "¿Cómo cambio la clave del wifi?")
    listed, _ = await recado(
        world.environment, "events", "messages", "--conversation", conversation, "--json"
    )
    (message,) = json.loads(listed)
    trace = dict(message["headers"])["traceparent"].split("-")[1]

    await world.settle()
    delivered, _ = await recado(
        world.environment, "events", "deliveries", "--trace", trace, "--json"
    )
    assert [one["key"] for one in json.loads(delivered)] == [conversation]
    answers, _ = await recado(world.environment, "events", "answers", "--trace", trace, "--json")
    assert [one["value"]["message_ids"] for one in json.loads(answers)] == [
        [message["value"]["id"]]
    ]
    again, _ = await recado(
        world.environment,
        *("events", "messages", "--partition", str(message["partition"])),
        *("--from-offset", str(message["offset"]), "--limit", "1", "--json"),
    )
    assert json.loads(again) == [message]


async def test_the_last_are_shown_in_the_order_of_their_times(world: World) -> None:
    """Across partitions, and no more than asked for."""
    customers = await world.new_chats(3)
    async with httpx.AsyncClient(timeout=20) as http:
        for customer in customers:
            post = telegram_post(customer, "/ayuda", secret_token=TELEGRAM_SECRET_TOKEN)
            assert (await world.post(http, post)).status_code == 200
    everything, _ = await recado(
        world.environment, "events", "messages", "--limit", "100000", "--json"
    )
    limited, _ = await recado(world.environment, "events", "messages", "--limit", "2", "--json")
    rows = json.loads(everything)
    assert [one["timestamp"] for one in rows] == sorted(one["timestamp"] for one in rows)
    assert [one["key"] for one in rows[-3:]] == [
        f"telegram:telegram-demo:{customer}" for customer in customers
    ]
    assert json.loads(limited) == rows[-2:]


@pytest.mark.parametrize(
    ("typed", "status", "sentence"),
    [
        ("events nope", 1, "There is no topic recado.nope"),
        ("events no/pe", 1, "There is no topic recado.no/pe"),
        ("events messages --since soon", 2, "'soon' is no time"),
        ("events messages --since 1h --until 2h", 2, "--until is not after"),
        ("events messages --from-offset 1", 2, "--from-offset needs --partition"),
        ("dead-letters ingress", 2, "'ingress' has no dead letters"),
        ("dead-letters rag --yes", 2, "Without --redrive nothing is sent"),
    ],
)
def test_what_can_be_mended_is_one_sentence(
    typed: str,
    status: int,
    sentence: str,
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """An unknown topic, a time that is none, options that don't go together."""
    for name, value in {**world.environment, "COLUMNS": "80"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "argv", ["recado", *typed.split()])
    with pytest.raises(SystemExit) as ended:
        run_command()
    errors = capsys.readouterr().err
    assert ended.value.code == status
    assert sentence in errors
    assert "Traceback" not in errors


async def test_a_broken_record_is_given_up_sent_back_three_times_and_then_refused(
    world: World,
) -> None:
    """Dry runs send nothing, each redrive is counted in a header, none is offered twice."""
    key = f"telegram:telegram-demo:{uuid4().int % 10**12}"
    producer = make_producer(world.settings, "test")
    await producer.start()
    try:
        await producer.send_and_wait(
            topics.MESSAGES.name,
            value=b'{"text": "half a mess',
            key=key.encode(),
            headers=[("ce_type", b"recado.message.received.v1"), ("mine", b"kept")],
        )
    finally:
        await producer.stop()

    async def records(topic: str) -> list[dict[str, JsonValue]]:
        # Looked at often: what the command reads with, without a process each time.
        query = Query(topic_named(topic), Stretch(), Wanted(conversation=key))
        return [as_json(record) for record in await collect(world.settings, query, None)]

    async def letters(number: int) -> None:
        async def there() -> bool:
            return len(await records(LETTERS)) == number

        await eventually(there, f"{number} dead letters")

    async def redriven(*options: str) -> dict[str, list[dict[str, object]]]:
        written, _ = await recado(
            world.environment,
            *("dead-letters", "rag", "--redrive", "--error", "Permanent", "--json"),
            *options,
        )
        planned: dict[str, list[dict[str, object]]] = json.loads(written)
        return planned

    await letters(1)
    shown, _ = await recado(world.environment, "events", "messages", "--conversation", key)
    assert "no event" in shown
    assert "half a mess" not in shown
    grouped, _ = await recado(world.environment, "dead-letters", "rag", "--json")
    (cause,) = (one for one in json.loads(grouped)["causes"] if one["error"].endswith(".Permanent"))
    (first,) = await records("messages")
    assert "recado.message.received.v1" in cause["example"]["message"]
    assert (cause["topic"], cause["waiting"]) == ("recado.messages", 1)
    assert cause["example"]["partition"] == first["partition"]
    assert cause["example"]["offset"] == first["offset"]

    assert len((await redriven())["redriven"]) == 1
    assert len((await redriven("--dry-run"))["redriven"]) == 1
    assert len(await records("messages")) == 1, "a dry run sends nothing"

    for times in (1, 2, 3):
        assert len((await redriven("--yes"))["redriven"]) == 1
        await letters(times + 1)
        sent_back = (await records("messages"))[-1]
        assert sent_back["headers"] == [
            ["ce_type", "recado.message.received.v1"],
            ["mine", "kept"],
            ["redrive_count", str(times)],
        ]
        assert sent_back["partition"] == first["partition"]
        assert sent_back["value_base64"] == first["value_base64"]

    refused = await redriven("--yes")
    assert refused["redriven"] == []
    assert [one["redrive_count"] for one in refused["refused"]] == [3]
    assert len(await records("messages")) == 4
    forced = await redriven("--force", "--no-dry-run")
    assert [one["redrive_count"] for one in forced["redriven"]] == [3]
    await letters(5)
