"""`recado conversations|messages|webhooks` on MongoDB's stand-in, filled as the dispatcher does."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorDatabase
from typer.testing import CliRunner

from recado.cli.commands import app
from recado.devstack.stack.mongodb import MongoDb
from support.command import RECADO, recado, recado_in_a_terminal

AT = datetime(2026, 11, 22, 15, 30, tzinfo=UTC)
CONVERSATION = "whatsapp:whatsapp-demo:EC.17"
NUMBER = "593991234567"


@dataclass
class Filled:
    """A database of its own, and how the command finds it."""

    database: AsyncIOMotorDatabase[dict[str, object]]
    environment: dict[str, str]

    async def message(self, offset: int, text: str, at: datetime = AT, **fields: object) -> None:
        """A customer's message, recorded."""
        row = {"_id": str(uuid4()), "conversation": CONVERSATION, "role": "user", "kind": "text"}
        place = {"topic": "recado.messages", "partition": 3, "offset": offset}
        await self.database["messages"].insert_one(
            {**row, "text": text, "at": at, **place, **fields}
        )


@pytest.fixture
async def filled(mongodb: MongoDb) -> AsyncIterator[Filled]:
    """One active conversation of a user with a number, and two webhooks."""
    client: AsyncIOMotorClient[dict[str, object]] = AsyncIOMotorClient(mongodb.url)
    name = f"d{uuid4().hex}"
    filled = Filled(
        client[name], {"RECADO_MONGODB_URL": mongodb.url, "RECADO_MONGODB_DATABASE": name}
    )
    user = "whatsapp:whatsapp-demo:EC.17"
    await client[name]["users"].insert_one({"_id": user, "user_id": "EC.17", "aliases": [NUMBER]})
    conversation = {"platform": "whatsapp", "integration": "whatsapp-demo", "is_active": True}
    times = {"opened_at": AT, "last_activity_at": AT, "handoff": None, "blocked_at": None}
    await client[name]["conversations"].insert_many(
        [
            {"_id": CONVERSATION, "user": user, **conversation, **times},
            {"_id": "telegram:t:1", "platform": "telegram", "is_active": False, **times},
            {"_id": "telegram:t:2", "is_active": True, **times, "handoff": {"reason": "asked"}},
        ]
    )
    for number, error in enumerate([None, "no such field"]):
        webhook = {"_id": str(uuid4()), "received_at": AT, "platform": "whatsapp", "status": 200}
        told = {"outcome": "accepted", "event_type": "message", "payload": "{}", "error": error}
        place = {"topic": "recado.webhooks", "partition": 0, "offset": number}
        await client[name]["webhooks"].insert_one({**webhook, **told, **place})
    await filled.message(0, "¿Cuánto cuesta el Plan 5G?")
    await filled.message(
        1,
        "Cuesta 20.",
        AT + timedelta(seconds=1),
        role="assistant",
        outcome="delivered",
        status="read",
    )
    yield filled
    await client.drop_database(name)
    client.close()


async def rows(filled: Filled, *arguments: str) -> list[dict[str, object]]:
    """What a command finds."""
    command = CliRunner(env=filled.environment)
    done = await asyncio.to_thread(command.invoke, app, [*arguments, "--json"])
    assert done.exit_code == 0, done.exception
    found: list[dict[str, object]] = json.loads(done.stdout)
    return found


async def test_messages_are_found_by_number_words_role_and_status(filled: Filled) -> None:
    """Each filter takes what it names and leaves the other message."""
    questions = ("--user", "+593 99 123 4567", "--text", "plan 5g")
    answers = ("--role", "assistant", "--status", "read", "--platform", "whatsapp")
    nobody = ("--integration", "whatsapp")
    late = ("--since", "2026-11-22T15:30:02Z")
    asked = (questions, answers, nobody, late)
    found = [await rows(filled, "messages", *one) for one in asked]
    texts = [[row["text"] for row in one] for one in found]
    assert texts == [["¿Cuánto cuesta el Plan 5G?"], ["Cuesta 20."], [], []]


async def test_conversations_are_found_by_state_and_alias(filled: Filled) -> None:
    """Active ones are shown unless a state is named."""
    asked = ((), ("--state", "closed"), ("--state", "handed-off"), ("--user", NUMBER))
    found = [await rows(filled, "conversations", *one) for one in asked]
    assert [sorted(str(row["id"]) for row in one) for one in found] == [
        ["telegram:t:2", CONVERSATION],
        ["telegram:t:1"],
        ["telegram:t:2"],
        [CONVERSATION],
    ]


async def test_webhooks_with_errors_and_the_payload_of_one(filled: Filled) -> None:
    """A payload is shown only where it is asked for by its webhook's id."""
    (row,) = await rows(filled, "webhooks", "--errors")
    assert "payload" not in row
    payload, _ = await recado(filled.environment, "webhooks", "--payload", str(row["id"]))
    assert payload == "{}\n"


async def test_what_nobody_is_called_is_one_sentence(filled: Filled) -> None:
    _, errors = await recado(filled.environment, "messages", "--user", "99", status=1)
    assert errors.startswith("Error: There is no user '99'")


async def test_following_shows_each_message_once_whatever_its_time_and_order(
    filled: Filled,
) -> None:
    """A row that is written late, with an earlier time and a lower offset, is shown too."""
    async with following(filled, "messages", "--json") as lines:
        assert [await lines.text() for _ in range(2)] == [
            "¿Cuánto cuesta el Plan 5G?",
            "Cuesta 20.",
        ]
        await filled.message(4, "cuatro", AT + timedelta(seconds=4))
        assert await lines.text() == "cuatro"
        await filled.message(3, "tres", AT - timedelta(hours=3))
        assert await lines.text() == "tres"
        await filled.message(5, "cinco")
        assert await lines.text() == "cinco"
        assert await lines.interrupt() == (130, "")


async def test_following_conversations_shows_what_changed(filled: Filled) -> None:
    """A new message, or a person in charge."""
    async with following(filled, "conversations", "--json", "--user", NUMBER) as lines:
        assert (await lines.row())["message_count"] == 2
        await filled.database["conversations"].update_one(
            {"_id": CONVERSATION}, {"$set": {"handoff": {"reason": "asked"}}}
        )
        assert (await lines.row())["handoff"] == {"reason": "asked"}
        assert await lines.interrupt() == (130, "")


@pytest.mark.parametrize("columns", ["80", "140"])
async def test_no_line_of_a_table_is_wider_than_the_terminal(filled: Filled, columns: str) -> None:
    environment = {**filled.environment, "COLUMNS": columns, "NO_COLOR": "1", "TERM": "dumb"}
    for command in ("conversations", "webhooks"):
        shown = await recado_in_a_terminal(environment, command)
        assert max(map(len, shown.splitlines())) <= int(columns)


class Lines:
    """The running command."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def row(self) -> dict[str, object]:
        """The next row that it shows."""
        assert self._process.stdout is not None
        async with asyncio.timeout(30):
            row: dict[str, object] = json.loads(await self._process.stdout.readline())
        return row

    async def text(self) -> object:
        """The next message's text."""
        return (await self.row())["text"]

    async def interrupt(self) -> tuple[int | None, str]:
        """Ctrl-C: the exit status, and all that came after what was read."""
        self._process.send_signal(signal.SIGINT)
        async with asyncio.timeout(30):
            written, errors = await self._process.communicate()
        return self._process.returncode, (written + errors).decode()


@asynccontextmanager
async def following(filled: Filled, *arguments: str) -> AsyncIterator[Lines]:
    """The command with `--follow`, killed in the end if it is still there."""
    process = await asyncio.create_subprocess_exec(
        str(RECADO),
        *arguments,
        "--follow",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=filled.environment,
    )
    try:
        yield Lines(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_what_was_done_to_a_message_since_is_shown_with_it(filled: Filled) -> None:
    """Edited, taken back, and what people put to it; nothing of it can steer a terminal."""
    reactions = [{"user": "u", "emoji": "👍"}, {"user": "v", "emoji": None}]
    later = AT + timedelta(minutes=1)
    await filled.message(7, "corregido", later, edited_at=later, reactions=reactions)
    await filled.message(8, "", later + timedelta(seconds=1), revoked_at=later)
    shown, _ = await recado(filled.environment, "messages", CONVERSATION)
    edited, taken = [line for line in shown.splitlines() if "edited" in line or "back" in line]
    assert edited.endswith("edited, 👍")
    assert taken.endswith("taken back")
