"""What arrived: every request with what became of it, every message that a customer received.

Both lists are bounded (the oldest go first) and numbered from 1 in the order of arrival; the
numbers go on over a reset, so that a reader's cursor never meets an older record again. Nothing
here holds a credential: whoever records a request has taken them out.
"""

import asyncio
import json
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeVar

from pydantic import JsonValue

from recado.devstack.standins.config import Bounds
from recado.devstack.standins.faults import Platform

_Numbered = TypeVar("_Numbered", "RequestRecord", "MessageRecord")


class Outcome(StrEnum):
    """What became of a request."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    FAULT = "fault"


@dataclass(slots=True)
class RequestRecord:
    """A request: `status` is the one answered (None: none was), `reason` says why it was refused
    or which fault struck."""

    index: int
    platform: Platform
    method: str
    path: str
    operation: str
    body: bytes
    at: datetime
    outcome: Outcome = Outcome.PENDING
    status: int | None = None
    reason: str | None = None

    def as_json(self) -> dict[str, JsonValue]:
        """The record as the control API shows it; a body that is not JSON is shown as text."""
        return {
            "index": self.index,
            "platform": self.platform,
            "method": self.method,
            "path": self.path,
            "operation": self.operation,
            "body": _readable(self.body),
            "at": self.at.isoformat(),
            "outcome": self.outcome,
            "status": self.status,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True)
class MessageRecord:
    """A message that a customer received.

    `answered` is False when the platform took the message and never said so to the sender.
    `sender` is the phone number id or the bot's id; `chat` the number, user id or chat id.
    """

    index: int
    request: int
    platform: Platform
    sender: str
    chat: str
    text: str
    message_id: str
    at: datetime
    thread: int | None = None
    entities: tuple[dict[str, JsonValue], ...] = ()
    parse_mode: str | None = None
    in_reply_to: str | None = None
    callback_data: str | None = None
    template: str | None = None
    answered: bool = True

    def as_json(self) -> dict[str, JsonValue]:
        """The record as the control API shows it."""
        return {
            "index": self.index,
            "request": self.request,
            "platform": self.platform,
            "sender": self.sender,
            "chat": self.chat,
            "thread": self.thread,
            "text": self.text,
            "entities": list(self.entities),
            "parse_mode": self.parse_mode,
            "message_id": self.message_id,
            "in_reply_to": self.in_reply_to,
            "callback_data": self.callback_data,
            "template": self.template,
            "answered": self.answered,
            "at": self.at.isoformat(),
        }


@dataclass(frozen=True, slots=True)
class MessageFilter:
    """Which messages are wanted: those after an index, of a platform, chat, sender, quoting one."""

    after: int = 0
    platform: Platform | None = None
    chat: str | None = None
    sender: str | None = None
    in_reply_to: str | None = None

    def wants(self, message: MessageRecord) -> bool:
        """Whether the message is one of those (its index is looked at by the journal)."""
        return (
            self.platform in (None, message.platform)
            and self.chat in (None, message.chat)
            and self.sender in (None, message.sender)
            and self.in_reply_to in (None, message.in_reply_to)
        )


@dataclass(slots=True)
class Journal:
    """The two lists. Not for use by several threads."""

    bounds: Bounds
    requests: deque[RequestRecord] = field(default_factory=deque)
    messages: deque[MessageRecord] = field(default_factory=deque)
    forgotten: int = 0
    _body_bytes: int = 0
    _last_request: int = 0
    _last_message: int = 0
    _waiting: dict[asyncio.Future[None], MessageFilter] = field(default_factory=dict)

    def arrived(
        self,
        *,
        platform: Platform,
        method: str,
        path: str,
        operation: str,
        body: bytes,
        at: datetime,
    ) -> RequestRecord:
        """Keep a request; what becomes of it is written to the record that comes back."""
        self._last_request += 1
        record = RequestRecord(self._last_request, platform, method, path, operation, body, at)
        self.requests.append(record)
        self._body_bytes += len(body)
        while len(self.requests) > self.bounds.records or (
            self._body_bytes > self.bounds.body_bytes and len(self.requests) > 1
        ):
            self._body_bytes -= len(self.requests.popleft().body)
            self.forgotten += 1
        return record

    def next_message_index(self) -> int:
        """The index that the next message will have."""
        return self._last_message + 1

    def received(self, message: MessageRecord) -> None:
        """Keep a message that a customer received and wake those who wait for it."""
        self._last_message = message.index
        self.messages.append(message)
        if len(self.messages) > self.bounds.records:
            self.messages.popleft()
            self.forgotten += 1
        for waiter, wanted in self._waiting.items():
            if not waiter.done() and message.index > wanted.after and wanted.wants(message):
                waiter.set_result(None)

    @property
    def last_message(self) -> int:
        """The index of the newest message ever received."""
        return self._last_message

    @property
    def last_request(self) -> int:
        """The index of the newest request ever received."""
        return self._last_request

    def find_requests(
        self, *, platform: Platform | None, after: int, since: datetime | None
    ) -> list[RequestRecord]:
        """The requests kept, oldest first."""
        found = [
            record
            for record in _newer(self.requests, after)
            if platform in (None, record.platform) and (since is None or record.at >= since)
        ]
        return found[::-1]

    def find_messages(self, wanted: MessageFilter) -> list[MessageRecord]:
        """The messages kept, oldest first."""
        found = [each for each in _newer(self.messages, wanted.after) if wanted.wants(each)]
        return found[::-1]

    async def wait_for_messages(
        self, wanted: MessageFilter, *, timeout: timedelta
    ) -> list[MessageRecord]:
        """The messages wanted as soon as there is one; an empty list when the time is over."""
        found = self.find_messages(wanted)
        if found:
            return found
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[waiter] = wanted
        try:
            await asyncio.wait([waiter], timeout=timeout.total_seconds())
        finally:
            del self._waiting[waiter]
        return self.find_messages(wanted)

    def reset(self) -> None:
        """Forget all records; the numbering goes on."""
        self.requests.clear()
        self.messages.clear()
        self.forgotten = 0
        self._body_bytes = 0


def _newer(records: deque[_Numbered], after: int) -> Iterator[_Numbered]:
    for record in reversed(records):
        if record.index <= after:
            return
        yield record


def _readable(body: bytes) -> JsonValue:
    if not body:
        return None
    try:
        readable: JsonValue = json.loads(body)
    except ValueError:
        return body.decode("utf-8", errors="replace")
    return readable
