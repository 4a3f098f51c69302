"""Rows of MongoDB as the command shows them: one by one for people, one object for programs.

What is in a row came from customers and platforms: nothing of it can steer a terminal.
"""

import sys
from collections.abc import Mapping
from datetime import datetime

from pydantic import JsonValue
from rich.padding import Padding
from rich.text import Text

from recado.cli.event_lines import one_line
from recado.cli.mongodb import Row, as_time
from recado.cli.output import console, local_time, print_json, print_note

GOOD = {"accepted", "verified", "delivered"}
NEUTRAL = {"ignored", "sent", "read", "played", ""}


def show_payload(row: Row, *, as_json: bool) -> None:
    """A webhook whole as JSON, or what was in it as it came."""
    if as_json:
        print_json(plain(row))
        return
    # Not through rich: neither wrapped nor coloured. What could steer a terminal is left out there.
    payload = text_of(row.get("payload"))
    if sys.stdout.isatty():
        payload = "\n".join(one_line(line) for line in payload.splitlines())
    sys.stdout.write(payload + "\n")
    if row.get("payload_encoding") == "base64":
        print_note("The payload is not UTF-8; this is its base64.")
    if row.get("payload_cut"):
        print_note("Only the beginning of the payload is kept here.")


def show_message(row: Row, *, named: bool) -> None:
    """One message of a transcript: who, when, what became of it; below it the text."""
    role = text_of(row.get("role"))
    console.print(
        Text.assemble(
            (f"{time_of(row.get('at'))}  ", "dim"),
            (role, "bold cyan" if role == "user" else "bold magenta"),
            "  ",
            coloured(row.get("status") or row.get("outcome")),
            (f"  {sources}" if (sources := _sources(row.get("citations"))) else "", "dim"),
            (f"  {changed}" if (changed := _changed(row)) else "", "dim"),
            (f"  {one_line(text_of(row.get('conversation')))}" if named else "", "dim"),
        ),
        soft_wrap=True,
    )
    text = text_of(row.get("text")) or f"({text_of(row.get('kind'))})"
    console.print(Padding(Text(text), (0, 0, 1, 4)))


def show_webhook(row: Row) -> None:
    """One webhook on one line."""
    names = [one_line(text_of(row.get(one))) for one in ("platform", "integration", "event_type")]
    console.print(
        Text.assemble(
            (f"{time_of(row.get('received_at'))}  ", "dim"),
            "  ".join(filter(None, names)),
            "  ",
            coloured(row.get("outcome")),
            f"  {text_of(row.get('status'))}  {one_line(text_of(row.get('error')))}".rstrip(),
        ),
        soft_wrap=True,
    )


def show_conversation(row: Row) -> None:
    """One conversation on one line."""
    console.print(
        Text.assemble(
            (f"{time_of(row.get('last_activity_at'))}  ", "dim"),
            f"{text_of(row.get('message_count')):>4}  {state_of(row)}  ",
            one_line(text_of(row["_id"])),
        ),
        soft_wrap=True,
    )


def text_of(value: object) -> str:
    """A field's value; nothing where it is not there."""
    return "" if value is None else str(value)


def time_of(value: object) -> str:
    """A time in this machine's zone; nothing where it is none."""
    moment = as_time(value)
    return "" if moment is None else local_time(moment)


def coloured(value: object) -> Text:
    """What became of something: green, plain, or red."""
    word = text_of(value)
    return Text(word, style="green" if word in GOOD else "" if word in NEUTRAL else "red")


def state_of(row: Row) -> str:
    """How a conversation stands."""
    if row.get("handoff"):
        return "handed off"
    if row.get("blocked_at"):
        return "blocked by the customer"
    if row.get("opted_out_at"):
        return "opted out"
    return "active" if row.get("is_active") else "closed"


def _changed(row: Row) -> str:
    """What was done to a message since: by its customer, or as a reaction."""
    reactions = row.get("reactions")
    emojis = (
        [one_line(text_of(one.get("emoji"))) for one in reactions if isinstance(one, Mapping)]
        if isinstance(reactions, list)
        else []
    )
    marks = [
        "taken back" if row.get("revoked_at") else "",
        "edited" if row.get("edited_at") else "",
        *emojis,
    ]
    return ", ".join(filter(None, marks))


def _sources(citations: object) -> str:
    if not isinstance(citations, list):
        return ""
    return ", ".join(
        dict.fromkeys(text_of(one.get("source")) for one in citations if isinstance(one, Mapping))
    )


def plain(value: object) -> JsonValue:
    """A stored value as JSON: times as RFC 3339."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {("id" if key == "_id" else str(key)): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)
