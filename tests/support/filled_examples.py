"""The examples with what the plain ones have no use for, and all of them by golden file."""

from datetime import timedelta

from recado.schemas import events, ids
from recado.schemas.content import (
    Change,
    Choice,
    Content,
    Location,
    Media,
    MediaKind,
    Order,
    OrderItem,
    Reaction,
    SharedContact,
    SystemChange,
)
from recado.schemas.context import Context, Group, Quoted, Referral
from recado.schemas.webhooks import (
    AccountChange,
    MessageKind,
    PlatformError,
    Pricing,
    WebhookOutcome,
)
from support.examples import ALL, MESSAGE_RECEIVED, NOW, STATUS_REPORTED, WEBHOOK_RECEIVED

RICH_MESSAGE_RECEIVED = MESSAGE_RECEIVED.model_copy(
    update={
        "id": ids.message_id("whatsapp-demo", "message", "1234567890", "wamid.RICH"),
        "platform_message_id": "wamid.RICH",
        "kind": MessageKind.ORDER,
        "platform_kind": "order",
        "quoted_message_id": "wamid.OUT",
        "raw": {"type": "order"},
        "content": Content(
            media=Media(
                kind=MediaKind.VOICE,
                id="3003383421387257",
                unique_id="AgAD",
                mime_type="audio/ogg",
                sha256="SfInY0gGKTsJlUWbwxC1k+FAD0FZHvzwfpvO0zX0GUI=",
                file_name="nota.ogg",
                size=12345,
                duration=timedelta(seconds=7),
            ),
            location=Location(
                latitude=-34.6037, longitude=-58.3816, name="Obelisco", address="Av. 9 de Julio"
            ),
            contacts=(
                SharedContact(name="Luis", phones=("+5491155550002",), user_id="5491155550002"),
            ),
            reaction=Reaction(message_id="wamid.OUT", emoji="👍"),
            choice=Choice(
                source="nfm_reply", id="flow", title="Sent", form={"dni": "30111222", "n": [1]}
            ),
            order=Order(
                catalog_id="194836987003835",
                text="Los dos",
                items=(OrderItem(product_id="router", quantity=2, price=49.5, currency="ARS"),),
            ),
            system=SystemChange(change=Change.NUMBER_CHANGED, old="1234567890", new="1234567891"),
            unsupported="poll",
        ),
        "context": Context(
            quoted=Quoted(message_id="wamid.OUT", user_id="15550000001", text="¿Cuál?"),
            changes=("wamid.HBgK",),
            forwarded=True,
            forwarded_many_times=True,
            referral=Referral(source="ad", source_id="1", headline="Fibra", url="https://fb.me/x"),
            group=Group(type="supergroup", title="Vecinos"),
            album="13579",
            by_business=True,
        ),
        "addressed": False,
        "errors": (PlatformError(code=131051, title="Message type unknown"),),
    }
)
"""Everything that a message can hold at once, as no message does."""
PRICED_STATUS_REPORTED = STATUS_REPORTED.model_copy(
    update={
        "pricing": Pricing(
            category="service", billable=False, model="PMP", type="free_customer_service"
        )
    }
)
ACCOUNT_WEBHOOK_RECEIVED = WEBHOOK_RECEIVED.model_copy(
    update={
        "event_type": "message_template_status_update",
        "outcome": WebhookOutcome.IGNORED,
        "event_ids": (),
        "account_changes": (
            AccountChange(
                type="message_template_status_update",
                event="REJECTED",
                account="200000000000001",
                integration="whatsapp-demo",
                changed_at=NOW,
            ),
        ),
    }
)

FILLED: dict[str, events.Event] = {
    "message.received.filled": RICH_MESSAGE_RECEIVED,
    "status.reported.filled": PRICED_STATUS_REPORTED,
    "webhook.received.filled": ACCOUNT_WEBHOOK_RECEIVED,
}
"""The same events with what the plain ones have no use for, by golden file."""

GOLDEN: dict[str, events.Event] = {**{event.type: event for event in ALL}, **FILLED}
"""Every example by its golden file."""
