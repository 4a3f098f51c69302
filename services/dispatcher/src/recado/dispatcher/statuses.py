"""Status reports: how far each message that was sent has come.

A report names its part by the callback data that was sent along. It is written to the answer's row,
which is begun where it is not there yet, and settles the ledger. Reports come in any order and are
ranked, so all of these updates commute.

A report without callback data of ours is kept by the platform's id and joined with the row that has
this id: by whichever of the two comes second, for each writes first and looks then. One of before a
customer was forgotten is dropped.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from recado.dispatcher import callback
from recado.dispatcher.documents import STATUS_RANKS, milliseconds, status_id
from recado.dispatcher.erasing import NOT_FORGOTTEN
from recado.dispatcher.forgotten import forget_report, ordered_since
from recado.dispatcher.ports import Change, Clock, Documents, Name
from recado.dispatcher.settling import settling
from recado.schemas.webhooks import DeliveryStatus, StatusReported

_PART_NOT_NAMED = "0"


class Statuses:
    """Writes status reports and joins those that came first."""

    def __init__(self, documents: Documents, clock: Clock, *, kept: timedelta) -> None:
        self._documents = documents
        self._clock = clock
        self._kept = kept

    async def report(self, event: StatusReported) -> None:
        """Record one report."""
        reported_at = milliseconds(event.reported_at)
        errors = [error.model_dump(mode="json") for error in event.errors]
        pricing = [] if event.pricing is None else [event.pricing.model_dump(mode="json")]
        part = callback.read(event.callback_data)
        if part is not None:
            # The report may name the customer by another id than the answer went to, or not at all.
            conversation = part.conversation or event.conversation
            begun = {"conversation": conversation, "role": "assistant"}
            changes = report_on(
                str(part.answer_id),
                str(part.part),
                event.status,
                reported_at,
                errors,
                pricing=pricing,
                begun=begun,
                platform_message_id=event.platform_message_id,
            )
            await self._documents.apply([*changes, settling(part, event)])
            return
        kept_as = status_id(event.integration, event.platform_message_id)
        await self._documents.apply(
            [
                Change(
                    Name.STATUSES,
                    kept_as,
                    {
                        "$setOnInsert": {
                            "integration": event.integration,
                            "platform_message_id": event.platform_message_id,
                            "conversation": event.conversation,
                            "expires_at": milliseconds(self._clock()) + self._kept,
                        },
                        "$min": {f"reports.{event.status.value}": reported_at},
                        "$addToSet": {"errors": {"$each": errors}, "pricing": {"$each": pricing}},
                    },
                    upsert=True,
                )
            ]
        )
        ordered_at = await ordered_since(self._documents, event.conversation, event.reported_at)
        if ordered_at is None:
            await self.join(event.integration, event.platform_message_id)
        else:
            await forget_report(self._documents, kept_as, ordered_at)

    async def join(self, integration: str, platform_message_id: str) -> None:
        """Put the reports that are kept under this id into the row that has it, if both exist."""
        kept = await self._documents.read(
            Name.STATUSES, status_id(integration, platform_message_id)
        )
        if kept is None:
            return
        row = await self._documents.find(
            Name.MESSAGES, {"platform_ids": platform_message_id, "integration": integration}
        )
        reports, errors = kept.get("reports"), kept.get("errors")
        pricing = kept.get("pricing")
        if row is None or not isinstance(reports, Mapping) or not isinstance(errors, list):
            return
        changes = [
            change
            for status, at in reports.items()
            for change in report_on(
                str(row["_id"]),
                _PART_NOT_NAMED,
                DeliveryStatus(status),
                at,
                errors,
                pricing=pricing if isinstance(pricing, list) else (),
            )
        ]
        await self._documents.apply(changes)


def report_on(
    row_id: str,
    part: str,
    status: DeliveryStatus,
    at: datetime,
    errors: Sequence[object],
    *,
    pricing: Sequence[Mapping[str, object]] = (),
    begun: Mapping[str, object] | None = None,
    platform_message_id: str | None = None,
) -> list[Change]:
    """The changes of one report on one part. With `begun` the row is made where there is none."""
    added: dict[str, object] = {"errors": {"$each": list(errors)}}
    if pricing:
        added["pricing"] = {"$each": [{"part": part, **one} for one in pricing]}
    if platform_message_id is not None:
        added["platform_ids"] = platform_message_id
    update: dict[str, Mapping[str, object]] = {
        "$min": {f"reports.{part}.{status.value}": at},
        "$addToSet": added,
    }
    if begun is not None:
        update["$setOnInsert"] = begun
    rank = STATUS_RANKS[status]
    # WhatsApp's ids tell the customer's number.
    return [
        Change(Name.MESSAGES, row_id, update, guard=NOT_FORGOTTEN, upsert=begun is not None),
        Change(
            Name.MESSAGES,
            row_id,
            {"$set": {"status": status.value, "status_rank": rank}},
            guard={**NOT_FORGOTTEN, "status_rank": {"$not": {"$gte": rank}}},
        ),
    ]
