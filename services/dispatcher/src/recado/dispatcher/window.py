"""Whether the platform still takes an answer as it is, and what goes out where it does not.

WhatsApp takes free text for 24 hours from the customer's last message. That is looked at before
anything is sent: an answer that comes later goes as the integration's template, or not at all, and
nobody asks the platform for a refusal that is certain.

It is the platform's time of the message that counts: after an outage it may come to us hours later.
Where the message that is answered is not recorded yet, the time is taken at which it came. Where
nothing is known the platform decides; its own word (131047) is final anyway.

A template that carries the answer goes for each answer. One that only asks the customer to write
goes once, until they do: the answer is not delivered then, and can be driven again when they wrote.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from recado.channels.contract import Integration, Part
from recado.dispatcher.delivery import Delivery, only_invites
from recado.dispatcher.documents import milliseconds
from recado.dispatcher.outgoing import Outgoing
from recado.schemas.webhooks import PlatformError

MARGIN: Final = timedelta(minutes=1)
"""So long before its end a window counts as closed: a send takes its time, and clocks differ."""

CLOSED: Final = PlatformError(
    code="window_closed", title="the customer wrote too long ago; the platform was not asked"
)


def outside_window(
    answer: Outgoing,
    conversation: Mapping[str, object] | None,
    integration: Integration | None,
    text: str,
    now: datetime,
) -> tuple[Part, ...] | None:
    """What is sent in place of the text; nothing where nothing can be. None: the window is open."""
    if integration is None or integration.reply_window is None:
        return None
    wrote_at = _wrote_at(answer, conversation)
    if wrote_at is None or now < wrote_at + integration.reply_window - MARGIN:
        return None
    parts = integration.format_outside_window(text)
    invited_at = (conversation or {}).get("invited_at")
    invited = isinstance(invited_at, datetime) and invited_at >= wrote_at
    return () if invited and any(map(only_invites, parts)) else parts


def differ(delivery: Delivery, wanted: tuple[Part, ...]) -> bool:
    """Whether what is to be sent is no longer what the ledger holds: a template, or none."""
    held = {part.content.template for part in delivery.open_parts or delivery.parts}
    return held != {part.template for part in wanted}


def _wrote_at(answer: Outgoing, conversation: Mapping[str, object] | None) -> datetime | None:
    """When the customer last wrote, as far as is known."""
    known = conversation or {}
    came_at, written_at = known.get("last_message_at"), known.get("last_sent_at")
    if not isinstance(written_at, datetime):
        written_at = came_at if isinstance(came_at, datetime) else None
    if answer.received_at is None:
        return written_at
    answered = milliseconds(answer.received_at)
    if written_at is not None and isinstance(came_at, datetime) and came_at >= answered:
        return written_at
    return answered
