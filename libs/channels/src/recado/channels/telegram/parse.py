"""A Telegram webhook's body, one update, as events.

Nothing in an update names the bot: it is the one whose secret came along. A message is kept
whatever its kind; an update that belongs to no chat (a poll, an inline query) gives no message.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from pydantic import ValidationError

from recado.channels.contract import NOT_NAMED, Integration, ParsedWebhook
from recado.channels.errors import Unreadable
from recado.channels.payload import (
    JsonObject,
    Malformed,
    as_it_came,
    fault,
    identifier_in,
    load,
    moment_in,
    object_in,
    text_in,
)
from recado.channels.telegram import kinds, updates
from recado.channels.telegram.addressing import is_addressed
from recado.channels.telegram.bots import BOTS
from recado.channels.telegram.content import content_of, pressed
from recado.channels.telegram.context import context_of
from recado.channels.telegram.people import chat_of, user_of
from recado.channels.telegram.settings import TelegramIntegration
from recado.schemas import ids
from recado.schemas.base import Platform, unchecked
from recado.schemas.content import Content
from recado.schemas.context import Context
from recado.schemas.conversations import Recipient, ReplyTo
from recado.schemas.webhooks import MessageKind, MessageReceived

_PLATFORM = Platform.TELEGRAM.value
_received = unchecked(MessageReceived)
_reply_to = unchecked(ReplyTo)

MESSAGES = frozenset({"message", "business_message", "channel_post"})
EDITS = frozenset({"edited_message", "edited_business_message", "edited_channel_post"})
BUSINESS = frozenset({"business_message", "edited_business_message"})
BUSINESS_CONNECTION = "business_connection"
UPDATES = {
    "my_chat_member": MessageKind.SYSTEM,
    "chat_member": MessageKind.SYSTEM,
    "chat_join_request": MessageKind.SYSTEM,
    "message_reaction": MessageKind.REACTION,
    "deleted_business_messages": MessageKind.REVOKE,
}
"""Updates about a chat that are no messages. Any other that names a chat is `OTHER`."""


def parse(
    body: bytes,
    integrations: Sequence[Integration],
    *,
    webhook_id: UUID,
    received_at: datetime,
) -> ParsedWebhook:
    """The update in the body. `integrations` are those that may be meant."""
    bots = BOTS.of(integrations).all
    update = load(body)
    name = next((key for key, value in update.items() if isinstance(value, dict)), None)
    content = None if name is None else object_in(update, name)
    if name is None or content is None:
        raise Unreadable("no update in it")
    event_type = name[: kinds.MAX_NAME_LENGTH] or kinds.UNKNOWN
    if len(bots) != 1:
        return ParsedWebhook(event_type, unknown_integrations=(NOT_NAMED,))
    integration = bots[0]
    if name == BUSINESS_CONNECTION:
        change = updates.business_connection(content, integration.name)
        return ParsedWebhook(event_type, integration=integration.name, account_changes=(change,))
    reading = _Reading(integration, update, event_type, webhook_id, received_at)
    try:
        message = reading.message(content)
    except Malformed as malformed:
        return _problem(event_type, integration, str(malformed))
    except ValidationError as invalid:
        return _problem(event_type, integration, fault(invalid))
    return ParsedWebhook(
        event_type,
        messages=() if message is None else (message,),
        integration=integration.name,
    )


def _problem(event_type: str, integration: TelegramIntegration, what: str) -> ParsedWebhook:
    return ParsedWebhook(
        event_type, problems=(f"{event_type}: {what}",), integration=integration.name
    )


class _Reading:
    """One update being read."""

    def __init__(
        self,
        integration: TelegramIntegration,
        update: JsonObject,
        event_type: str,
        webhook_id: UUID,
        received_at: datetime,
    ) -> None:
        self._integration = integration
        self._update_id = identifier_in(update, "update_id")
        self._event_type = event_type
        self._webhook_id = webhook_id
        self._received_at = received_at

    def message(self, content: JsonObject) -> MessageReceived | None:
        """The event, or None where the update is about no chat."""
        if self._event_type in MESSAGES:
            return self._written(content)
        if self._event_type in EDITS:
            return self._edited(content)
        if self._event_type == "callback_query":
            return self._callback(content)
        if object_in(content, "chat") is None:
            return None
        return self._other(content)

    def _written(self, content: JsonObject) -> MessageReceived:
        kind, platform_kind = kinds.kind_of(content)
        own = self._event_type in BUSINESS and kinds.is_own(content)
        if own:
            kind, platform_kind = MessageKind.SYSTEM, "own_business_message"
        message_id = identifier_in(content, "message_id")
        return self._received(
            content,
            place=content,
            event_id=self._message_id(content, message_id, None),
            platform_message_id=message_id,
            sent_at=moment_in(content, "date"),
            kind=kind,
            platform_kind=platform_kind,
            text=kinds.text_of(content),
            quoted_message_id=identifier_in(object_in(content, "reply_to_message"), "message_id"),
            held=content_of(content),
            context=context_of(content, by_business=own),
            addressed=not own and is_addressed(content, self._integration),
        )

    def _edited(self, content: JsonObject) -> MessageReceived:
        message_id = identifier_in(content, "message_id")
        edited_at = moment_in(content, "edit_date")
        own = self._event_type in BUSINESS and kinds.is_own(content)
        return self._received(
            content,
            place=content,
            # Without its date an edit can't be told from the message: then the update's id is used.
            event_id=self._update_event_id(content)
            if edited_at is None
            else self._message_id(content, message_id, edited_at),
            platform_message_id=message_id,
            sent_at=edited_at or moment_in(content, "date"),
            kind=MessageKind.SYSTEM if own else MessageKind.EDIT,
            platform_kind=self._event_type,
            text=kinds.text_of(content),
            quoted_message_id=message_id,
            held=content_of(content),
            context=context_of(
                content,
                changes=() if message_id is None else (message_id,),
                by_business=own,
            ),
            addressed=not own and is_addressed(content, self._integration),
        )

    def _callback(self, content: JsonObject) -> MessageReceived | None:
        place = object_in(content, "message")
        if place is None:
            # A button below an inline message: it is in no chat that the bot could write to.
            return None
        callback_id = identifier_in(content, "id")
        chat = chat_of(place)
        return self._received(
            content,
            place=place,
            event_id=self._derived("callback", chat, callback_id),
            platform_message_id=callback_id,
            # The message's date is that of the buttons; when one was pressed is not said.
            sent_at=None,
            kind=MessageKind.CALLBACK,
            platform_kind=self._event_type,
            text=text_in(content, "data"),
            quoted_message_id=identifier_in(place, "message_id"),
            held=pressed(content),
            context=context_of({"chat": object_in(place, "chat")}),
        )

    def _other(self, content: JsonObject) -> MessageReceived:
        kind = UPDATES.get(self._event_type, MessageKind.OTHER)
        deleted = updates.deleted_in(content) if kind is MessageKind.REVOKE else ()
        held: Content | None = None
        if self._event_type == "message_reaction":
            held = updates.reaction_to(content)
        elif self._event_type == "my_chat_member":
            held = updates.standing_of_bot(content)
        return self._received(
            content,
            place=content,
            event_id=self._update_event_id(content),
            platform_message_id=self._update_id,
            sent_at=moment_in(content, "date"),
            kind=kind,
            platform_kind=self._event_type,
            text=None,
            quoted_message_id=deleted[0]
            if len(deleted) == 1
            else identifier_in(content, "message_id"),
            held=held,
            context=context_of({"chat": object_in(content, "chat")}, changes=deleted),
            # Nobody waits for an answer to something that is no message.
            addressed=False,
        )

    def _message_id(
        self, content: JsonObject, message_id: str | None, edited_at: datetime | None
    ) -> UUID:
        """Message ids are unique within a chat; a business connection has chats of its own."""
        connection = identifier_in(content, "business_connection_id")
        if connection is not None and message_id is not None:
            kind, message_id = "business_message", f"{connection}:{message_id}"
        else:
            kind = "message"
        return self._derived(kind, chat_of(content), message_id, edited_at)

    def _update_event_id(self, content: JsonObject) -> UUID:
        return self._derived("update", chat_of(content), self._update_id)

    def _derived(
        self, kind: str, chat: str, platform_id: str | None, edited_at: datetime | None = None
    ) -> UUID:
        if platform_id is None:
            return ids.fresh_id()
        return ids.message_id(self._integration.name, kind, chat, platform_id, edited_at)

    def _received(
        self,
        content: JsonObject,
        *,
        place: JsonObject,
        event_id: UUID,
        platform_message_id: str | None,
        sent_at: datetime | None,
        kind: MessageKind,
        platform_kind: str,
        text: str | None,
        quoted_message_id: str | None,
        held: Content | None,
        context: Context | None,
        addressed: bool = True,
    ) -> MessageReceived:
        """`place` is the object that has the chat: the message itself, or that of a button."""
        chat = chat_of(place)
        thread = (
            identifier_in(place, "message_thread_id")
            if place.get("is_topic_message") is True
            else None
        )
        connection = identifier_in(place, "business_connection_id")
        # The same person may write to two accounts of a business, and to the bot itself: to the
        # customer these are different chats, though Telegram gives them one chat id.
        key_thread = thread if connection is None else f"{connection}:{thread or ''}".rstrip(":")
        integration = self._integration.name
        return _received(
            id=event_id,
            occurred_at=self._received_at,
            sent_at=sent_at,
            conversation=ids.conversation_key(_PLATFORM, integration, chat, key_thread),
            reply_to=_reply_to(
                platform=_PLATFORM,
                integration=integration,
                chat=chat,
                recipient=Recipient.CHAT,
                thread=thread,
                business_connection=connection,
            ),
            user=user_of(content, place),
            platform_message_id=platform_message_id,
            kind=kind,
            platform_kind=platform_kind,
            text=text,
            quoted_message_id=quoted_message_id,
            raw=None if kind is MessageKind.TEXT else as_it_came(content),
            content=held,
            context=context,
            addressed=addressed,
            webhook_id=self._webhook_id,
        )
