"""The `recado` command against a running Recado, as a user types it."""

import asyncio
import json
import re
from pathlib import Path

from recado.cli.asking import asker
from recado.schemas.base import Platform
from support.command import recado, recado_in_a_terminal
from support.world import World, eventually


async def test_ask_prints_the_answer_its_sources_and_each_step(world: World) -> None:
    """One JSON document with the text that the platform got."""
    (chat,) = await world.new_chats(1)
    written, _ = await recado(
        world.environment,
        *("ask", "¿Por qué mi internet está lento?", "--platform", "telegram"),
        *("--customer", str(chat), "--json"),
    )
    reply = json.loads(written)
    assert reply["sources"][0]["source"] == "internet-lento.md"
    assert reply["texts"]
    assert {"webhook accepted, in Kafka", "knowledge searched", "in all"} <= set(
        reply["milliseconds"]
    )


async def test_conversations_and_messages_tell_the_story(world: World) -> None:
    """A conversation is listed with its count; its messages are listed in order."""
    (customer,) = await world.new_numbers(1)
    asked, _ = await recado(world.environment, "ask", "/ayuda", "--customer", customer, "--json")
    conversation = json.loads(asked)["conversation"]

    async def told() -> bool:
        return len(await world.rows("messages", {"conversation": conversation})) == 2

    await eventually(told, "the conversation with its two messages")
    listed, _ = await recado(world.environment, "conversations", "--limit", "1000", "--json")
    (count,) = (row["message_count"] for row in json.loads(listed) if row["id"] == conversation)
    assert count == 2
    listed, _ = await recado(world.environment, "messages", conversation, "--json")
    assert [row["role"] for row in json.loads(listed)] == ["user", "assistant"]
    for_people, _ = await recado(world.environment, "messages", conversation)
    assert "/ayuda" in for_people


async def test_webhooks_lists_the_last_ten(world: World) -> None:
    """Platform, event type and status of each, and no payload."""
    await recado(world.environment, "ask", "/ayuda", "--json")
    listed, _ = await recado(world.environment, "webhooks", "--json")
    rows = json.loads(listed)
    assert 0 < len(rows) <= 10
    assert {"platform", "event_type", "status", "outcome"} <= set(rows[0])
    assert "payload" not in rows[0]


async def test_telegram_set_webhook_sets_shows_and_deletes(world: World) -> None:
    """Against the stand-in, which checks the secret token and the address."""
    url = f"{world.ingress_url}/api/integrations/webhooks/telegram/"
    set_, _ = await recado(world.environment, "telegram", "set-webhook", "--url", url, "--json")
    assert json.loads(set_)["url"] == url
    shown, _ = await recado(world.environment, "telegram", "set-webhook", "--info", "--json")
    assert "message_reaction" in json.loads(shown)["allowed_updates"]
    deleted, _ = await recado(world.environment, "telegram", "set-webhook", "--delete", "--json")
    assert json.loads(deleted)["url"] == ""


async def test_set_webhook_wants_one_thing_at_a_time(world: World) -> None:
    """One sentence and a non-zero exit."""
    _, errors = await recado(world.environment, "telegram", "set-webhook", status=2)
    assert "Give one of --url, --info and --delete." in errors


async def test_index_follows_a_folder(world: World, tmp_path: Path) -> None:
    """New, changed, unchanged, refused and removed files, each counted once."""
    folder = tmp_path / "promociones"
    folder.mkdir()
    page = folder / "mascotas.md"
    page.write_text("# Descuento por mascota\n\nCon un loro pagas 3 dólares menos.\n")
    (folder / "vacio.md").write_text("")
    first, _ = await recado(world.environment, "index", str(folder), "--json", status=3)
    summary = json.loads(first)
    assert summary["submitted"] == ["mascotas.md"]
    assert summary["refused"][0]["source"] == "vacio.md"
    (folder / "vacio.md").unlink()

    (chat,) = await world.new_chats(1)

    async def answer() -> str:
        question = "¿Hay descuento por tener un loro de mascota?"
        async with asker(world.settings) as asking:
            reply = await asking.ask(question, Platform.TELEGRAM, customer=str(chat))
        return " ".join(reply.texts)

    assert "3 dólares menos" in await answer()
    page.write_text("# Descuento por mascota\n\nCon un loro pagas 5 dólares menos.\n")
    second, _ = await recado(world.environment, "index", str(folder), "--json")
    assert json.loads(second)["submitted"] == ["mascotas.md"]
    assert "5 dólares menos" in await answer()
    third, _ = await recado(world.environment, "index", str(folder), "--json")
    assert json.loads(third)["unchanged"] == ["mascotas.md"]
    page.unlink()
    fourth, _ = await recado(world.environment, "index", str(folder), "--json")
    assert json.loads(fourth)["withdrawn"] == ["mascotas.md"]
    assert "dólares menos" not in await answer()


async def test_index_shows_a_person_a_bar_and_a_summary(world: World, tmp_path: Path) -> None:
    """In a terminal: how far it is while it works, then what was done and what was refused."""
    folder = tmp_path / "sucursales"
    folder.mkdir()
    for number in range(30):
        (folder / f"{number}.md").write_text(f"# Sucursal {number}\n\nAbre a las {number}.\n")
    (folder / "vacio.md").write_text("")
    seen = await recado_in_a_terminal(world.environment, "index", str(folder), status=3)
    shown, _, summary = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen).rpartition("Documents")
    assert re.search(r"Submitting .*31/31", shown)
    assert re.search(r"indexed +30\s", summary)
    assert re.search(r"refused +1\s", summary)
    assert "vacio.md: empty" in summary
    for file in folder.iterdir():
        file.unlink()
    await recado(world.environment, "index", str(folder), "--json")


async def test_topics_apply_changes_nothing_the_second_time(world: World) -> None:
    """The topics are as the contract says."""
    applied, _ = await recado(world.environment, "topics", "apply", "--json")
    assert {one["change"] for one in json.loads(applied)} == {"unchanged"}


async def test_an_unknown_conversation_is_one_sentence(world: World) -> None:
    """What the user can mend is said in one sentence."""
    _, errors = await recado(world.environment, "messages", "nope", status=1)
    assert "There is no conversation 'nope'" in errors


async def test_nothing_running_is_one_sentence(tmp_path: Path) -> None:
    """No traceback when Kafka, MongoDB or ingress is not there."""
    nowhere = {
        "RECADO_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
        "RECADO_MONGODB_URL": "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=500",
        "RECADO_INTEGRATIONS_FILE": str(tmp_path / "none.yaml"),
    }
    commands = (
        ("webhooks",),
        ("topics", "apply"),
        ("index", str(tmp_path)),
        ("telegram", "set-webhook", "--info"),
    )
    said = await asyncio.gather(*(recado(nowhere, *one, status=1) for one in commands))
    for _, errors in said:
        assert errors.startswith("Error: ")
        assert "Traceback" not in errors
