"""One example of each event: what the golden files hold, and what other tests start from."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from recado.schemas import events, ids
from recado.schemas.answers import Citation, Retrieval, RetrievedPassage, Rung, Timings, Turn, Usage
from recado.schemas.base import Platform
from recado.schemas.conversations import Recipient, ReplyTo, User
from recado.schemas.deliveries import NotDeliveredReason
from recado.schemas.documents import DocumentSection
from recado.schemas.webhooks import DeliveryStatus, MessageKind, PlatformError, WebhookOutcome

NOW = datetime(2026, 11, 22, 15, 30, 0, 250_000, tzinfo=UTC)
WEBHOOK_ID = UUID("0d1f1f3e-3c5a-4b57-9a3e-5a1f0f1c2d3e")
WHATSAPP_CHAT = ReplyTo(
    platform=Platform.WHATSAPP,
    integration="whatsapp-demo",
    chat="1234567890",
    recipient=Recipient.PHONE,
)
TELEGRAM_CHAT = ReplyTo(
    platform=Platform.TELEGRAM,
    integration="telegram-demo",
    chat="123456",
    recipient=Recipient.CHAT,
)
CONVERSATION = ids.conversation_key("whatsapp", "whatsapp-demo", "1234567890")
TELEGRAM_CONVERSATION = ids.conversation_key("telegram", "telegram-demo", "123456")
MESSAGE_ID = ids.message_id("whatsapp-demo", "message", "1234567890", "wamid.HBgK")
ANSWER_ID = ids.answer_id([MESSAGE_ID])
DOCUMENT_ID = ids.document_id("ayuda", "internet-lento.md")
SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

WEBHOOK_RECEIVED = events.WebhookReceived(
    id=WEBHOOK_ID,
    occurred_at=NOW,
    platform="whatsapp",
    integration="whatsapp-demo",
    event_type="message",
    outcome=WebhookOutcome.ACCEPTED,
    status=200,
    payload='{"object":"whatsapp_business_account","entry":[]}',
    payload_bytes=49,
    payload_sha256=SHA256,
    event_ids=(MESSAGE_ID,),
)
MESSAGE_RECEIVED = events.MessageReceived(
    id=MESSAGE_ID,
    occurred_at=NOW,
    sent_at=datetime(2026, 11, 22, 15, 29, 59, tzinfo=UTC),
    conversation=CONVERSATION,
    reply_to=WHATSAPP_CHAT,
    user=User(id="1234567890", name="Ana"),
    platform_message_id="wamid.HBgK",
    kind=MessageKind.TEXT,
    platform_kind="text",
    text="¿Por qué mi internet está lento?",
    webhook_id=WEBHOOK_ID,
)
STATUS_REPORTED = events.StatusReported(
    id=ids.status_id("whatsapp-demo", "wamid.OUT", "failed", NOW),
    occurred_at=NOW,
    reported_at=NOW,
    conversation=CONVERSATION,
    integration="whatsapp-demo",
    platform_message_id="wamid.OUT",
    status=DeliveryStatus.FAILED,
    callback_data=f"{ANSWER_ID}/0",
    errors=(PlatformError(code=131047, title="Re-engagement message"),),
    webhook_id=WEBHOOK_ID,
)
ANSWER_GENERATED = events.AnswerGenerated(
    id=ANSWER_ID,
    occurred_at=NOW,
    conversation=CONVERSATION,
    reply_to=WHATSAPP_CHAT,
    message_ids=(MESSAGE_ID,),
    quoted_message_id="wamid.HBgK",
    text="Reinicia el router y repite la prueba de velocidad por cable. [1]",
    rung=Rung.GROUNDED,
    citations=(
        Citation(
            number=1,
            document_id=DOCUMENT_ID,
            chunk_id=ids.chunk_id(DOCUMENT_ID, 0),
            title="¿Por qué mi internet está lento?",
            source="internet-lento.md",
            section="Primeros pasos",
        ),
    ),
    retrieval=Retrieval(
        query="¿Por qué mi internet está lento?",
        n=5,
        passages=(
            RetrievedPassage(
                chunk_id=ids.chunk_id(DOCUMENT_ID, 0),
                document_id=DOCUMENT_ID,
                title="¿Por qué mi internet está lento?",
                source="internet-lento.md",
                section="Primeros pasos",
                text="Reinicia el router.",
                score=0.97,
                similarity=0.83,
            ),
        ),
    ),
    history=(Turn(role="user", text="Hola", at=NOW - timedelta(minutes=1)),),
    prompt_version="respuesta-1a2b3c4d",
    model="gemini-3.8-flash",
    usage=Usage(prompt_tokens=812, output_tokens=64),
    timings=Timings(
        history=timedelta(milliseconds=3),
        retrieval=timedelta(milliseconds=21),
        generation=timedelta(milliseconds=1240),
        total=timedelta(milliseconds=1266),
    ),
    received_at=NOW,
    deadline=NOW + timedelta(minutes=15),
)
OPERATOR_REPLIED = events.OperatorReplied(
    id=UUID("6f1b2a54-0f63-4f0e-8b1e-1d2c3b4a5f60"),
    occurred_at=NOW,
    conversation=CONVERSATION,
    reply_to=WHATSAPP_CHAT,
    operator="lucia",
    text="Hola, soy Lucía. Reviso tu línea ahora mismo.",
    deadline=NOW + timedelta(minutes=15),
)
HANDOFF_REQUESTED = events.HandoffRequested(
    id=UUID("7a0c3b65-1f74-4a1f-9c2f-2e3d4c5b6a71"),
    occurred_at=NOW,
    conversation=CONVERSATION,
    reason="asked for a person",
)
HANDOFF_RELEASED = events.HandoffReleased(
    id=UUID("8b1d4c76-2a85-4b2a-8d3a-3f4e5d6c7b82"),
    occurred_at=NOW,
    conversation=CONVERSATION,
    operator="lucia",
)
CUSTOMER_FORGOTTEN = events.CustomerForgotten(
    id=UUID("8b1d4c76-2a85-4b2a-8d3a-3f4e5d6c7b83"),
    occurred_at=NOW,
    conversation=CONVERSATION,
    users=("whatsapp:whatsapp-demo:1234567890",),
    whole=True,
    webhook_ids=(WEBHOOK_ID,),
)
ANSWER_DELIVERED = events.AnswerDelivered(
    id=ids.outcome_id(ANSWER_ID, "delivered"),
    occurred_at=NOW,
    answer_id=ANSWER_ID,
    conversation=CONVERSATION,
    message_ids=(MESSAGE_ID,),
    platform_message_ids=("wamid.OUT",),
)
ANSWER_NOT_DELIVERED = events.AnswerNotDelivered(
    id=ids.outcome_id(ANSWER_ID, "not_delivered"),
    occurred_at=NOW,
    answer_id=ANSWER_ID,
    conversation=CONVERSATION,
    message_ids=(MESSAGE_ID,),
    reason=NotDeliveredReason.REFUSED,
    error=PlatformError(code=131026, title="Message undeliverable"),
)
DOCUMENT_PART_SUBMITTED = events.DocumentPartSubmitted(
    id=ids.part_id(ids.submission_id(DOCUMENT_ID, SHA256, NOW), 1),
    occurred_at=NOW,
    document_id=DOCUMENT_ID,
    submission=ids.submission_id(DOCUMENT_ID, SHA256, NOW),
    part=1,
    collection="ayuda",
    source="internet-lento.md",
    title="¿Por qué mi internet está lento?",
    media_type="text/markdown",
    content_sha256=SHA256,
    sections=(DocumentSection(path=("Primeros pasos",), text="Reinicia el router."),),
)
DOCUMENT_SUBMITTED = events.DocumentSubmitted(
    id=ids.submission_id(DOCUMENT_ID, SHA256),
    occurred_at=NOW,
    document_id=DOCUMENT_ID,
    collection="ayuda",
    source="internet-lento.md",
    title="¿Por qué mi internet está lento?",
    media_type="text/markdown",
    content_sha256=SHA256,
    sections=(
        DocumentSection(
            path=("¿Por qué mi internet está lento?", "Primeros pasos"),
            text="Reinicia el router.",
        ),
    ),
)
DOCUMENT_WITHDRAWN = events.DocumentWithdrawn(
    id=ids.withdrawal_id(DOCUMENT_ID, NOW),
    occurred_at=NOW,
    document_id=DOCUMENT_ID,
    collection="ayuda",
    source="internet-lento.md",
)

ALL: tuple[events.Event, ...] = (
    WEBHOOK_RECEIVED,
    MESSAGE_RECEIVED,
    STATUS_REPORTED,
    ANSWER_GENERATED,
    OPERATOR_REPLIED,
    HANDOFF_REQUESTED,
    HANDOFF_RELEASED,
    CUSTOMER_FORGOTTEN,
    ANSWER_DELIVERED,
    ANSWER_NOT_DELIVERED,
    DOCUMENT_PART_SUBMITTED,
    DOCUMENT_SUBMITTED,
    DOCUMENT_WITHDRAWN,
)
