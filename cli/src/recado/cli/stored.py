"""`recado webhooks`, `conversations` and `messages`: what was written to MongoDB."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

import typer
from pydantic import JsonValue
from rich.padding import Padding
from rich.text import Text

from recado.cli.mongodb import Row, as_time, stored
from recado.cli.output import AsJson, CliError, console, local_time, print_json, print_table, run
from recado.cli.settings import CliSettings

GOOD = {"accepted", "verified", "delivered"}
NEUTRAL = {"ignored", "sent", "read", "played", ""}


def webhooks(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 10,
    as_json: AsJson = False,
) -> None:
    """The last webhooks: platform, event type, outcome, HTTP status, error."""
    rows = run(_webhooks(limit))
    if as_json:
        print_json([_plain(row) for row in rows])
        return
    print_table(
        "Webhooks",
        ("received", "platform", "integration", "event type", "outcome", "status", "error"),
        [
            (
                _time(row.get("received_at")),
                _text(row.get("platform")),
                _text(row.get("integration")),
                _text(row.get("event_type")),
                _coloured(row.get("outcome")),
                _text(row.get("status")),
                _text(row.get("error")),
            )
            for row in rows
        ],
    )


def conversations(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 50,
    closed: Annotated[bool, typer.Option("--all", help="Closed ones, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Active conversations with their message counts, the most recent first."""
    rows = run(_conversations(limit, closed=closed))
    if as_json:
        print_json([_plain(row) for row in rows])
        return
    print_table(
        "Conversations",
        ("messages", "last activity", "opened", "state", "conversation"),
        [
            (
                _text(row.get("message_count")),
                _time(row.get("last_activity_at")),
                _time(row.get("opened_at")),
                _state(row),
                _text(row.get("_id")),
            )
            for row in rows
        ],
    )


def messages(
    conversation: Annotated[str, typer.Argument(help="As `recado conversations` names it.")],
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many of the last.")] = 50,
    as_json: AsJson = False,
) -> None:
    """The messages of a conversation in their order, with what became of the answers."""
    rows = run(_messages(conversation, limit))
    if as_json:
        print_json([_plain(row) for row in rows])
        return
    for row in rows:
        _show_message(row)


def _show_message(row: Row) -> None:
    """One message of a transcript: who, when, what became of it; below it the text."""
    role = _text(row.get("role"))
    console.print(
        Text.assemble(
            (f"{_time(row.get('at'))}  ", "dim"),
            (role, "bold cyan" if role == "user" else "bold magenta"),
            "  ",
            _coloured(row.get("status") or row.get("outcome")),
            (f"  {sources}" if (sources := _sources(row.get("citations"))) else "", "dim"),
        )
    )
    text = _text(row.get("text")) or f"({_text(row.get('kind'))})"
    console.print(Padding(Text(text), (0, 0, 1, 4)))


async def _webhooks(limit: int) -> list[Row]:
    async with stored(CliSettings()) as database:
        return list(await database.webhooks(limit))


async def _conversations(limit: int, *, closed: bool) -> list[Row]:
    async with stored(CliSettings()) as database:
        return list(await database.conversations(limit, closed=closed))


async def _messages(conversation: str, limit: int) -> list[Row]:
    async with stored(CliSettings()) as database:
        if not await database.knows(conversation):
            raise CliError(
                f"There is no conversation {conversation!r}; `recado conversations` lists them."
            )
        return list(await database.messages(conversation, limit))


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _time(value: object) -> str:
    moment = as_time(value)
    return "" if moment is None else local_time(moment)


def _coloured(value: object) -> Text:
    word = _text(value)
    return Text(word, style="green" if word in GOOD else "" if word in NEUTRAL else "red")


def _state(row: Row) -> str:
    if row.get("handoff"):
        return "handed off"
    if row.get("blocked_at"):
        return "blocked by the customer"
    return "active" if row.get("is_active") else "closed"


def _sources(citations: object) -> str:
    if not isinstance(citations, list):
        return ""
    return ", ".join(
        dict.fromkeys(_text(one.get("source")) for one in citations if isinstance(one, Mapping))
    )


def _plain(value: object) -> JsonValue:
    """A stored value as JSON: times as RFC 3339."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {("id" if key == "_id" else str(key)): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)
