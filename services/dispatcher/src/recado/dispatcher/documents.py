"""The documents in MongoDB: their shapes, for whoever reads them. Only the dispatcher writes them.

Times are UTC dates in milliseconds, ids are strings, fields that are not known are missing or null.

`users`, _id `{platform}:{integration}:{user id}`
    platform, integration, user_id, aliases [str] (numbers, former and later ids), name, username,
    language, named_at (when they had that name), first_seen, last_seen,
    replaced_by, replaced_at (the users _id that this one became)

`conversations`, _id = conversation key
    platform, integration, chat, thread, user (a users _id; missing before the first message),
    is_active, opened_at (by the customer's first message, or the first after it was closed),
    closed_at | null, closed_by | null (`silence`: nothing said for a day, `reset`: /reset),
    last_activity_at, last_message_at (of the customer, by our clock),
    last_sent_at (of the customer, by the platform's),
    handoff_position [broker's time, offset] (of the last hand-off's event),
    introduced (bool: the customer heard that an automatic assistant answers),
    handoff {since, reason} | null (not null: a person answers, the assistant is silent),
    invited_at (a template asked the customer to write, and carried no answer: not again until they
    have written),
    blocked_at | null (the customer blocked us; null again as soon as they write), unblocked_at,
    opted_out_at | null (the customer wants no automatic answers: BAJA; null again after ALTA),
    opted_at (when they said either last),
    history_from | null (after /reset: turns with `at` before this do not count),
    recent: the last 20 turns, oldest first, each once:
        {id, role: user|assistant, text, at, offset, answers: [message id] (assistant),
         operator: str|null (assistant: a person wrote it)}
    The assistant's turn is there once its answer is delivered. One whose message was taken back
    has no words. moved_to, moved_from (the conversation's key in another chat: Telegram's groups).

`messages`, _id = event id (the customer's) or answer id (the assistant's)
    conversation, role user|assistant, kind, text, at (what messages are ordered by: when ingress
    took it, or when it was generated), topic, partition, offset (of its event), and
    user: platform_kind, user, sent_at (the platform's time), platform_message_id,
        quoted_message_id, webhook_id, answered_by (answer id), content, context (what the event
        has of them), addressed, errors; amends [platform key] of an edit, a revoke, a reaction
        (the platform's ids within a chat, see `platform_key`), else platform_keys [platform key];
        edited_at, edit_order, versions [{text, at, order}] (the last 10), revoked_at (then no text)
    assistant: answers [message id], integration, rung, citations, model, usage, prompt_version,
        operator, outcome (delivered, or the reason why not), outcome_at, parts_sent,
        repeated_parts, platform_ids [str], status, status_rank (the highest that was reported of
        any part), reports {part: {status: time}}, errors [{code, title, message}],
        pricing [{part, …}] (as the platform reported it), revoked_keys [platform key]
    both: reactions [{user, emoji, custom, at, order}], one of each person
    A row without `kind` is not complete: its event has not come yet. The assistant's is there once
    it has an outcome, or waits; until then what is sent is in the ledger.

`deliveries`, _id = answer id: the ledger, see `recado.dispatcher.ledger`: conversation,
    platform, integration, message_ids, text, introduces (the text says that an assistant answers),
    at, offset, parts (see `delivery.PartEntry`), outcome {reason, error, at, deadline} | null,
    moved_to (another chat), created_at. Expires at `expires_at`.

`webhooks`, _id = event id
    received_at, platform, integration, event_type, outcome, status, error, payload,
    payload_encoding, payload_bytes, payload_sha256 (both of the whole), payload_cut, event_ids,
    topic, partition, offset. Expires at `expires_at`.

`forgotten_at` in any of these: the customer is forgotten (`forgetting`); conversation and kind are
    "(forgotten)", and nothing of what was said is there. In `deliveries` there is also an entry for
    each order to forget a conversation, under a name made from the conversation's.

`statuses`, _id `{integration}:{platform message id}`: reports on messages that carry no callback
    data of ours. Joined with the message's row as soon as both are there.
    integration, platform_message_id, conversation, reports {status: time}, errors,
    pricing. Expires.
"""

from datetime import datetime
from typing import Final

from recado.schemas.base import Platform
from recado.schemas.conversations import ReplyTo
from recado.schemas.webhooks import DeliveryStatus

RECENT_TURNS: Final = 20

MAX_TURN_CHARACTERS: Final = 4096
"""Of a turn's text in `recent`; the message's row has all of it."""

MAX_PAYLOAD_CHARACTERS: Final = 64 * 1024
"""Of a webhook's payload. The topic has up to 8 MiB of it, a document of MongoDB at most 16 MB."""

STATUS_RANKS: Final = {status: rank for rank, status in enumerate(DeliveryStatus, start=1)}
"""How far each status is: statuses come in any order, and the highest counts."""


def user_id(platform: str, integration: str, user: str) -> str:
    """The _id of a user."""
    return f"{platform}:{integration}:{user}"


def status_id(integration: str, platform_message_id: str) -> str:
    """The _id of reports that could not be joined yet."""
    return f"{integration}:{platform_message_id}"


def platform_key(reply_to: ReplyTo, platform_message_id: str) -> str:
    """What a message is found by when another one edits it, takes it back or reacts to it.

    With the chat, for Telegram's ids are unique only within one, and in a business's own account
    they are others than in the chat with the bot. But with no thread: a reaction names none.
    WhatsApp's ids are unique; its chat may change from the customer's number to their user id.
    """
    if reply_to.platform in _UNIQUE_IDS:
        return f"{reply_to.integration}:{platform_message_id}"
    connection = reply_to.business_connection or ""
    return f"{reply_to.integration}:{connection}:{reply_to.chat}:{platform_message_id}"


_UNIQUE_IDS: Final = frozenset({Platform.WHATSAPP.value})


def milliseconds(at: datetime) -> datetime:
    """The time as MongoDB keeps it: cut to milliseconds."""
    return at.replace(microsecond=at.microsecond // 1000 * 1000)
