"""A platform's own word on a part of an answer: what was not known is known by it."""

from recado.dispatcher.callback import SentPart
from recado.dispatcher.delivery import PartState
from recado.dispatcher.entries import step_guard
from recado.dispatcher.ports import Change, Name
from recado.schemas.deliveries import NotDeliveredReason
from recado.schemas.webhooks import DeliveryStatus, PlatformError, StatusReported


def settling(part: SentPart, report: StatusReported) -> Change:
    """Put what the report says of the part into the ledger.

    Changes nothing for a part whose result is known already, or that is not in the ledger.
    """
    changed: dict[str, object] = {
        "state": PartState.SENT.value,
        "platform_message_id": report.platform_message_id,
    }
    if report.status is DeliveryStatus.FAILED:
        error = report.errors[0] if report.errors else PlatformError(code="failed")
        changed |= {
            "state": PartState.FAILED.value,
            "reason": NotDeliveredReason.REFUSED.value,
            "error": error.model_dump(mode="json"),
        }
    return Change(
        Name.DELIVERIES,
        str(part.answer_id),
        {"$set": {f"parts.{part.part}.{name}": value for name, value in changed.items()}},
        step_guard(part.part, None, (PartState.CLAIMED, PartState.UNCERTAIN)),
    )
