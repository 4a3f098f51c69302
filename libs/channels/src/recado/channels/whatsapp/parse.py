"""A WhatsApp webhook's body as events: all entries, all changes, all messages and statuses.

One post may carry up to 1,000 updates of several numbers (Meta, webhooks). The integration is
chosen by `metadata.phone_number_id`, for Meta's callback address is one per app.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import TypeVar
from uuid import UUID

from pydantic import JsonValue, ValidationError

from recado.channels.contract import NOT_NAMED, ParsedWebhook
from recado.channels.errors import Unreadable
from recado.channels.payload import (
    JsonObject,
    Malformed,
    as_it_came,
    chat_in,
    fault,
    identifier_in,
    list_in,
    load,
    moment_in,
    object_in,
    text_in,
)
from recado.channels.whatsapp import kinds
from recado.channels.whatsapp.people import Contacts, address
from recado.channels.whatsapp.settings import WhatsAppIntegration, is_phone_number_id
from recado.schemas import ids
from recado.schemas.base import Platform
from recado.schemas.conversations import ReplyTo
from recado.schemas.webhooks import (
    DeliveryStatus,
    MessageKind,
    MessageReceived,
    PlatformError,
    StatusReported,
)

MESSAGES_FIELD = "messages"
MAX_FIELD_LENGTH = 64
MAX_PROBLEMS = 20
"""Told of one body, each by its place; a body may have a million. The others are counted."""
MAX_UNKNOWN = 20
"""Accounts named of one body that are not configured."""

Event = TypeVar("Event", MessageReceived, StatusReported)


def parse(
    body: bytes,
    integrations: Sequence[WhatsAppIntegration],
    *,
    webhook_id: UUID,
    received_at: datetime,
) -> ParsedWebhook:
    """Everything in the body. `integrations` are those that may be meant."""
    payload = load(body)
    if not isinstance(payload.get("entry"), list):
        raise Unreadable("`entry` is not a list")
    reading = _Reading(integrations, webhook_id, received_at)
    for place, change in reading.changes(payload):
        reading.take(place, change)
    return reading.result()


class _Reading:
    """One body being read."""

    def __init__(
        self,
        integrations: Sequence[WhatsAppIntegration],
        webhook_id: UUID,
        received_at: datetime,
    ) -> None:
        self._integrations = integrations
        self._webhook_id = webhook_id
        self._received_at = received_at
        self._messages: list[MessageReceived] = []
        self._statuses: list[StatusReported] = []
        self._unknown: dict[str, None] = {}
        self._problems: list[str] = []
        self._untold = 0
        self._fields: list[str] = []
        self._used: set[str] = set()

    def changes(self, payload: JsonObject) -> Iterator[tuple[str, JsonObject]]:
        for place, entry in self._objects(payload, "entry", ""):
            yield from self._objects(entry, "changes", place)

    def take(self, place: str, change: JsonObject) -> None:
        value = object_in(change, "value")
        field = text_in(change, "field")
        if field is not None and field != MESSAGES_FIELD:
            # The account changed (a template, a quality rating …): recorded by its name.
            self._fields.append(field[:MAX_FIELD_LENGTH])
            return
        if value is None:
            self._skip(f"{place}.value: not an object")
            return
        self._fields.extend(key for key in ("messages", "statuses", "errors") if value.get(key))
        integration = self._chosen(value)
        if integration is None:
            return
        self._used.add(integration.name)
        contacts = Contacts(value)
        for at, message in self._objects(value, "messages", place):
            self._keep(self._messages, at, partial(self._message, integration, contacts, message))
        for at, status in self._objects(value, "statuses", place):
            self._keep(self._statuses, at, partial(self._status, integration, status))

    def result(self) -> ParsedWebhook:
        if "messages" in self._fields:
            event_type = "message"
        elif "statuses" in self._fields:
            event_type = "status"
        else:
            event_type = self._fields[0] if self._fields else "unknown"
        return ParsedWebhook(
            event_type=event_type,
            messages=tuple(self._messages),
            statuses=tuple(self._statuses),
            unknown_integrations=tuple(self._unknown),
            problems=(*self._problems, *self._more()),
            integration=next(iter(self._used)) if len(self._used) == 1 else None,
        )

    def _skip(self, problem: str) -> None:
        if len(self._problems) < MAX_PROBLEMS:
            self._problems.append(problem)
        else:
            self._untold += 1

    def _more(self) -> tuple[str, ...]:
        return (f"and {self._untold} more",) if self._untold else ()

    def _chosen(self, value: JsonObject) -> WhatsAppIntegration | None:
        number_id = identifier_in(object_in(value, "metadata"), "phone_number_id")
        if number_id is None:
            # A command typed by hand has no metadata. Meta always sends them.
            if len(self._integrations) == 1 and self._integrations[0].development:
                return self._integrations[0]
            self._name_unknown(NOT_NAMED)
            return None
        for one in self._integrations:
            if one.phone_number_id == number_id:
                return one
        # What is not even of an account's form may be anything: it is not repeated.
        self._name_unknown(number_id if is_phone_number_id(number_id) else NOT_NAMED)
        return None

    def _name_unknown(self, account: str) -> None:
        if len(self._unknown) < MAX_UNKNOWN:
            self._unknown[account] = None

    def _objects(self, parent: JsonObject, key: str, at: str) -> Iterator[tuple[str, JsonObject]]:
        """The objects of a list, each with its place; anything else in it is a problem."""
        place = f"{at}.{key}".lstrip(".")
        value: JsonValue = parent.get(key)
        if value is None:
            return
        if not isinstance(value, list):
            self._skip(f"{place}: not a list")
            return
        for index, item in enumerate(value):
            if isinstance(item, dict):
                yield f"{place}[{index}]", item
            else:
                self._skip(f"{place}[{index}]: not an object")

    def _keep(self, events: list[Event], place: str, read: Callable[[], Event]) -> None:
        try:
            events.append(read())
        except Malformed as malformed:
            self._skip(f"{place}: {malformed}")
        except ValidationError as invalid:
            self._skip(f"{place}: {fault(invalid)}")

    def _message(
        self, integration: WhatsAppIntegration, contacts: Contacts, message: JsonObject
    ) -> MessageReceived:
        user, to = contacts.sender_of(message)
        platform_id = identifier_in(message, "id")
        platform_kind = kinds.type_of(message)
        kind = kinds.kind_of(message, platform_kind)
        return MessageReceived(
            id=ids.fresh_id()
            if platform_id is None
            else ids.message_id(integration.name, "message", to.chat, platform_id),
            occurred_at=self._received_at,
            sent_at=moment_in(message, "timestamp"),
            conversation=_conversation(integration, to.chat),
            reply_to=ReplyTo(
                platform=Platform.WHATSAPP,
                integration=integration.name,
                chat=to.chat,
                recipient=to.recipient,
            ),
            user=user,
            platform_message_id=platform_id,
            kind=kind,
            platform_kind=platform_kind,
            text=kinds.text_of(message, platform_kind),
            quoted_message_id=kinds.refers_to(message, platform_kind),
            raw=None if kind is MessageKind.TEXT else as_it_came(message),
            webhook_id=self._webhook_id,
        )

    def _status(self, integration: WhatsAppIntegration, status: JsonObject) -> StatusReported:
        platform_id = identifier_in(status, "id")
        if platform_id is None:
            raise Malformed("no id")
        reached = text_in(status, "status")
        if reached not in _STATUSES:
            raise Malformed("not a status that is known")
        reported_at = moment_in(status, "timestamp")
        if reported_at is None:
            raise Malformed("no timestamp")
        to = address(chat_in(status, "recipient_user_id"), chat_in(status, "recipient_id"))
        return StatusReported(
            id=ids.status_id(integration.name, platform_id, reached, reported_at),
            occurred_at=self._received_at,
            reported_at=reported_at,
            conversation=_conversation(integration, to.chat),
            integration=integration.name,
            platform_message_id=platform_id,
            status=DeliveryStatus(reached),
            callback_data=text_in(status, "biz_opaque_callback_data"),
            errors=tuple(_errors(status)),
            webhook_id=self._webhook_id,
        )


_STATUSES = frozenset(status.value for status in DeliveryStatus)


def _conversation(integration: WhatsAppIntegration, chat: str) -> str:
    return ids.conversation_key(Platform.WHATSAPP.value, integration.name, chat)


def _errors(status: JsonObject) -> Iterator[PlatformError]:
    for error in list_in(status, "errors"):
        if not isinstance(error, dict):
            continue
        code = error.get("code")
        details = text_in(object_in(error, "error_data"), "details")
        yield PlatformError(
            code=code if isinstance(code, int | str) and not isinstance(code, bool) else "unknown",
            title=text_in(error, "title"),
            message=details or text_in(error, "message"),
        )
