"""A WhatsApp webhook's body as events: all entries, all changes, all messages and statuses.

One post may carry up to 1,000 updates of several numbers (Meta, webhooks). The integration is
chosen by `metadata.phone_number_id`, for Meta's callback address is one per app.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from pydantic import JsonValue, ValidationError

from recado.channels.contract import NOT_NAMED, Integration, ParsedWebhook
from recado.channels.errors import Unreadable
from recado.channels.payload import (
    JsonObject,
    Malformed,
    UnknownKind,
    an_object,
    fault,
    identifier_in,
    load,
    object_in,
    text_in,
)
from recado.channels.whatsapp.account import MAX_ACCOUNT_CHANGES, account_change
from recado.channels.whatsapp.message import read_message
from recado.channels.whatsapp.numbers import NUMBERS, Numbers
from recado.channels.whatsapp.people import Contacts
from recado.channels.whatsapp.settings import WhatsAppIntegration, is_phone_number_id
from recado.channels.whatsapp.status import read_status
from recado.schemas.webhooks import AccountChange, MessageReceived, StatusReported

MESSAGES_FIELD = "messages"
ERRORS_FIELD = "errors"
_PARTS = ("messages", "statuses")
_MEANT = frozenset({"metadata", *_PARTS})
"""A value without any of these is for no number of ours."""
MAX_PROBLEMS = 20
"""Told of one body, each by its place; a body may have a million. The others are counted."""
MAX_UNKNOWN = 20
"""Accounts named of one body that are not configured."""
MAX_UNKNOWN_KINDS = 1000
"""Counted of one body: so many updates Meta puts into one post."""


def parse(
    body: bytes, integrations: Sequence[Integration], *, webhook_id: UUID, received_at: datetime
) -> ParsedWebhook:
    """Everything in the body. `integrations` are those that may be meant."""
    payload = load(body)
    entries = payload.get("entry")
    if not isinstance(entries, list):
        raise Unreadable("`entry` is not a list")
    reading = _Reading(NUMBERS.of(integrations), webhook_id, received_at)
    reading.take(entries)
    return reading.result()


class _Reading:
    """One body being read. Places are written down only where there is a problem to tell."""

    def __init__(self, numbers: Numbers, webhook_id: UUID, received_at: datetime) -> None:
        self._numbers = numbers
        self._webhook_id = webhook_id
        self._received_at = received_at
        self._messages: list[MessageReceived] = []
        self._statuses: list[StatusReported] = []
        self._account_changes: list[AccountChange] = []
        self._unknown: dict[str, None] = {}
        self._unknown_kinds: list[str] = []
        self._problems: list[str] = []
        self._untold = 0
        self._fields: list[str] = []
        self._used: set[str] = set()

    def take(self, entries: list[JsonValue]) -> None:
        for e, entry in enumerate(entries):
            if not isinstance(entry, dict):
                self._skip(f"entry[{e}]: not an object")
                continue
            for c, change in enumerate(self._list(entry, "changes", e)):
                if not isinstance(change, dict):
                    self._skip(f"entry[{e}].changes[{c}]: not an object")
                    continue
                field = text_in(change, "field")
                if field is None or field == MESSAGES_FIELD:
                    self._take_value(entry, change, e, c)
                else:
                    self._tell(account_change(entry, change, field, self._numbers.all))

    def _take_value(self, entry: JsonObject, change: JsonObject, e: int, c: int) -> None:
        value = object_in(change, "value")
        if value is None:
            self._skip(f"entry[{e}].changes[{c}].value: not an object")
            return
        self._fields.extend([key for key in _PARTS if value.get(key)])
        if value.get(ERRORS_FIELD):
            self._tell(account_change(entry, change, ERRORS_FIELD, self._numbers.all))
        metadata = object_in(value, "metadata")
        if _MEANT.isdisjoint(value):
            return
        integration = self._chosen(metadata)
        if integration is None:
            return
        self._used.add(integration.name)
        if "messages" in value:
            self._read_messages(value, metadata, integration, e, c)
        if "statuses" in value:
            self._read_statuses(value, integration, e, c)

    def _read_messages(
        self,
        value: JsonObject,
        metadata: JsonObject | None,
        integration: WhatsAppIntegration,
        e: int,
        c: int,
    ) -> None:
        contacts = Contacts(value)
        for place, message in enumerate(self._list(value, "messages", e, c)):
            try:
                event = read_message(
                    an_object(message),
                    contacts,
                    integration,
                    metadata=metadata,
                    webhook_id=self._webhook_id,
                    received_at=self._received_at,
                )
            except (Malformed, ValidationError) as found:
                self._skip(f"entry[{e}].changes[{c}].messages[{place}]: {fault(found)}")
            else:
                self._messages.append(event)

    def _read_statuses(
        self, value: JsonObject, integration: WhatsAppIntegration, e: int, c: int
    ) -> None:
        for place, status in enumerate(self._list(value, "statuses", e, c)):
            try:
                event = read_status(
                    an_object(status),
                    integration,
                    webhook_id=self._webhook_id,
                    received_at=self._received_at,
                )
            except (Malformed, ValidationError) as found:
                self._skip(f"entry[{e}].changes[{c}].statuses[{place}]: {fault(found)}")
                if isinstance(found, UnknownKind) and len(self._unknown_kinds) < MAX_UNKNOWN_KINDS:
                    self._unknown_kinds.append(found.kind)
            else:
                self._statuses.append(event)

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
            unknown_kinds=tuple(self._unknown_kinds),
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

    def _chosen(self, metadata: JsonObject | None) -> WhatsAppIntegration | None:
        number_id = identifier_in(metadata, "phone_number_id")
        if number_id is None:
            # A command typed by hand has no metadata. Meta always sends them.
            candidates = self._numbers.all
            if len(candidates) == 1 and candidates[0].development:
                return candidates[0]
            self._name_unknown(NOT_NAMED)
            return None
        chosen = self._numbers.by_id.get(number_id)
        if chosen is None:
            # What is not even of an account's form may be anything: it is not repeated.
            self._name_unknown(number_id if is_phone_number_id(number_id) else NOT_NAMED)
        return chosen

    def _name_unknown(self, account: str) -> None:
        if len(self._unknown) < MAX_UNKNOWN:
            self._unknown[account] = None

    def _list(self, parent: JsonObject, key: str, e: int, c: int | None = None) -> list[JsonValue]:
        """A list; anything else but nothing is a problem."""
        value = parent.get(key)
        if isinstance(value, list):
            return value
        if value is not None:
            change = "" if c is None else f".changes[{c}]"
            self._skip(f"entry[{e}]{change}.{key}: not a list")
        return []
