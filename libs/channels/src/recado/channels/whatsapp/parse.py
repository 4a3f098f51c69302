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
    fault,
    identifier_in,
    load,
    object_in,
    text_in,
)
from recado.channels.whatsapp.account import MAX_ACCOUNT_CHANGES, account_change
from recado.channels.whatsapp.message import read_message
from recado.channels.whatsapp.people import Contacts
from recado.channels.whatsapp.settings import WhatsAppIntegration, is_phone_number_id
from recado.channels.whatsapp.status import read_status
from recado.schemas.webhooks import AccountChange, MessageReceived, StatusReported

MESSAGES_FIELD = "messages"
ERRORS_FIELD = "errors"
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
    for place, entry, change in reading.changes(payload):
        reading.take(place, entry, change)
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
        self._account_changes: list[AccountChange] = []
        self._unknown: dict[str, None] = {}
        self._problems: list[str] = []
        self._untold = 0
        self._fields: list[str] = []
        self._used: set[str] = set()

    def changes(self, payload: JsonObject) -> Iterator[tuple[str, JsonObject, JsonObject]]:
        """Each change with its place and its entry."""
        for at, entry in self._objects(payload, "entry", ""):
            for place, change in self._objects(entry, "changes", at):
                yield place, entry, change

    def take(self, place: str, entry: JsonObject, change: JsonObject) -> None:
        value = object_in(change, "value")
        field = text_in(change, "field")
        if field is not None and field != MESSAGES_FIELD:
            self._tell(account_change(entry, change, field, self._integrations))
            return
        if value is None:
            self._skip(f"{place}.value: not an object")
            return
        self._fields.extend(key for key in ("messages", "statuses") if value.get(key))
        if value.get(ERRORS_FIELD):
            self._tell(account_change(entry, change, ERRORS_FIELD, self._integrations))
        if not any(key in value for key in ("metadata", "messages", "statuses")):
            return
        integration = self._chosen(value)
        if integration is None:
            return
        self._used.add(integration.name)
        contacts = Contacts(value)
        our_number = identifier_in(object_in(value, "metadata"), "display_phone_number")
        for at, message in self._objects(value, "messages", place):
            read = partial(
                read_message,
                message,
                contacts,
                integration,
                our_number=our_number,
                webhook_id=self._webhook_id,
                received_at=self._received_at,
            )
            self._keep(self._messages, at, read)
        for at, status in self._objects(value, "statuses", place):
            report = partial(
                read_status,
                status,
                integration,
                webhook_id=self._webhook_id,
                received_at=self._received_at,
            )
            self._keep(self._statuses, at, report)

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
            account_changes=tuple(self._account_changes),
        )

    def _tell(self, change: AccountChange) -> None:
        self._fields.append(change.type)
        if change.integration is not None:
            self._used.add(change.integration)
        if len(self._account_changes) < MAX_ACCOUNT_CHANGES:
            self._account_changes.append(change)

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
