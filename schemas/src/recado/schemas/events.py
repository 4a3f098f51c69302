"""The events. Each is a frozen model with its own `type`; `Event` is their union.

`id` is derived (see `recado.schemas.ids`), so the same fact has the same id however often it is
delivered. `occurred_at` is the time of the writing service's clock. A platform's own time has a
field of its own.
"""

from typing import Annotated

from pydantic import Field

from recado.schemas.answers import (
    AnswerGenerated,
    HandoffReleased,
    HandoffRequested,
    OperatorReplied,
)
from recado.schemas.customers import CustomerForgotten
from recado.schemas.deliveries import AnswerDelivered, AnswerNotDelivered
from recado.schemas.documents import (
    DocumentPartSubmitted,
    DocumentSubmitted,
    DocumentWithdrawn,
)
from recado.schemas.webhooks import MessageReceived, StatusReported, WebhookReceived

__all__ = [
    "AnswerDelivered",
    "AnswerGenerated",
    "AnswerNotDelivered",
    "CustomerForgotten",
    "DocumentPartSubmitted",
    "DocumentSubmitted",
    "DocumentWithdrawn",
    "Event",
    "HandoffReleased",
    "HandoffRequested",
    "MessageReceived",
    "OperatorReplied",
    "StatusReported",
    "WebhookReceived",
]

Event = Annotated[
    WebhookReceived
    | MessageReceived
    | StatusReported
    | AnswerGenerated
    | OperatorReplied
    | HandoffRequested
    | HandoffReleased
    | AnswerDelivered
    | AnswerNotDelivered
    | CustomerForgotten
    | DocumentPartSubmitted
    | DocumentSubmitted
    | DocumentWithdrawn,
    Field(discriminator="type"),
]
"""Any event of Recado."""
