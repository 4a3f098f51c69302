"""The ledger: who may send which part of which answer, and what came of it.

Every step is one conditional update of the answer's document, so of two processes that want the
same step one succeeds; the other gets None and looks again. Text and parts are those that were
opened first; whatever comes later under that id is ignored.

The order of steps of a part: `claim`, then the request, then `sent`, `failed`, `uncertain` or
`release`. Who finds a claim of somebody else waits until it is too old for a request to be under
way, and then the part is uncertain. `settling` takes the platform's own word at any time.

Nearly every answer has one part and meets nobody. For it `begin` opens the entry and claims the
part in one step, and `sent` closes the answer in the same step as its last part. These two travel
with the steps of other answers and bring no document back: their guards name all that they rest on,
so what is there after them follows from what was there before.
"""

from collections.abc import Sequence
from datetime import timedelta
from itertools import chain, repeat
from typing import Any

from recado.channels.contract import Part
from recado.dispatcher.delivery import Delivery, Outcome, PartState, with_sent
from recado.dispatcher.documents import milliseconds
from recado.dispatcher.entries import closed, opened, pending, step_guard, stored
from recado.dispatcher.erasing import NOT_FORGOTTEN
from recado.dispatcher.outgoing import Outgoing
from recado.dispatcher.ports import Change, Clock, Document, Documents, Name
from recado.schemas.deliveries import NotDeliveredReason
from recado.schemas.webhooks import PlatformError

KEPT = timedelta(days=30)
"""How long an answer stays in the ledger: longer than the platforms repeat a webhook (7 days)."""


class Ledger:
    """The ledger, as one process run uses it. `owner` must be unique to the run."""

    def __init__(
        self, documents: Documents, clock: Clock, *, owner: str, kept: timedelta = KEPT
    ) -> None:
        self._documents = documents
        self._clock = clock
        self._kept = kept
        self.owner = owner

    async def open(self, answer: Outgoing, parts: Sequence[Part]) -> Delivery:
        """The answer's entry, made now if there is none. Then its text and parts are fixed."""
        entry = self._entry(answer, parts)
        opened = await self._documents.update(
            Change(Name.DELIVERIES, str(answer.id), {"$setOnInsert": entry}, upsert=True)
        )
        return await self.read(str(answer.id)) if opened is None else _delivery(opened)

    async def begin(self, answer: Outgoing, parts: Sequence[Part]) -> Delivery | None:
        """Open the entry with its first part claimed; None, and nothing done, if there is one.

        The first part's request may go out once this has returned an entry.
        """
        entry = self._entry(answer, parts)
        entry["parts"][0] |= self._claimed(attempt=1, repeats=0)
        (made,) = await self._documents.apply(
            [
                Change(
                    Name.DELIVERIES,
                    str(answer.id),
                    {"$setOnInsert": entry},
                    guard={"created_at": {"$exists": False}},
                    upsert=True,
                )
            ]
        )
        return _delivery({"_id": str(answer.id), **entry}) if made else None

    async def find(self, answer_id: str) -> Delivery | None:
        """The entry of an answer, if it was opened."""
        document = await self._documents.read(Name.DELIVERIES, answer_id)
        return None if document is None else _delivery(document)

    async def read(self, answer_id: str) -> Delivery:
        """The entry of an answer that was opened."""
        found = await self.find(answer_id)
        if found is None:
            raise LookupError(f"answer {answer_id} is not in the ledger")
        return found

    async def claim(self, delivery: Delivery, number: int) -> Delivery | None:
        """Claim a part that is pending, or uncertain and to be sent again.

        Only after this has returned an entry may its request go out.
        """
        part = delivery.parts[number]
        if part.state not in (PartState.PENDING, PartState.UNCERTAIN):
            raise ValueError(f"a part that is {part.state.value} can't be claimed")
        again = part.state is PartState.UNCERTAIN
        return await self._step(
            delivery.id,
            number,
            part.attempt,
            (part.state,),
            self._claimed(attempt=part.attempt + 1, repeats=part.repeats + again),
        )

    async def release(
        self,
        delivery: Delivery,
        number: int,
        *,
        unclassified: bool = False,
        moved_to: str | None = None,
    ) -> Delivery | None:
        """Give a claim back: nothing was sent under it.

        A part that was uncertain before is so again: an earlier request of it may have arrived.
        `unclassified`: it was refused for a reason that we have no name for. `moved_to`: all of the
        answer goes to that chat from now on.
        """
        part = delivery.parts[number]
        changed: dict[str, object] = {"state": PartState.PENDING.value, "owner": None}
        if part.uncertain_at is not None:
            changed |= {"state": PartState.UNCERTAIN.value, "repeats": part.repeats - 1}
        if unclassified:
            changed["unclassified"] = part.unclassified + 1
        placed = {f"parts.{number}.{name}": value for name, value in changed.items()}
        if moved_to is not None:
            placed["moved_to"] = moved_to
        guard = step_guard(number, part.attempt, (PartState.CLAIMED,))
        return await self._update(delivery.id, guard, placed)

    async def sent(
        self,
        delivery: Delivery,
        number: int,
        platform_message_id: str,
        *,
        closing: Outgoing | None = None,
    ) -> Delivery | None:
        """The platform took the part, also if somebody thought meanwhile that nobody knows.

        With `closing`, the answer, it is the last one that was missing: the answer is delivered,
        in the same step, unless it has an outcome already.
        """
        part = delivery.parts[number]
        guard = step_guard(number, part.attempt, (PartState.CLAIMED, PartState.UNCERTAIN))
        changed: dict[str, object] = {
            f"parts.{number}.state": PartState.SENT.value,
            f"parts.{number}.platform_message_id": platform_message_id,
        }
        outcome = None if closing is None else self._outcome(closing, None, None)
        if outcome is not None:
            guard["outcome"] = None
            changed["outcome"] = stored(outcome)
        (made,) = await self._documents.apply(
            [Change(Name.DELIVERIES, delivery.id, {"$set": changed}, guard)]
        )
        return with_sent(delivery, number, platform_message_id, outcome) if made else None

    async def failed(
        self, delivery: Delivery, number: int, reason: NotDeliveredReason, error: PlatformError
    ) -> Delivery | None:
        """The platform refused the part for good."""
        return await self._step(
            delivery.id,
            number,
            delivery.parts[number].attempt,
            (PartState.CLAIMED, PartState.UNCERTAIN),
            {
                "state": PartState.FAILED.value,
                "reason": reason.value,
                "error": error.model_dump(mode="json"),
            },
        )

    async def uncertain(self, delivery: Delivery, number: int) -> Delivery | None:
        """The request of this claim went out and its result is not known."""
        return await self._step(
            delivery.id,
            number,
            delivery.parts[number].attempt,
            (PartState.CLAIMED,),
            {"state": PartState.UNCERTAIN.value, "uncertain_at": milliseconds(self._clock())},
        )

    async def close(
        self,
        delivery: Delivery,
        answer: Outgoing,
        reason: NotDeliveredReason | None = None,
        error: PlatformError | None = None,
    ) -> Delivery | None:
        """The answer needs nothing more: delivered, or not and why."""
        outcome = self._outcome(answer, reason, error)
        open_still = {"outcome": None, **NOT_FORGOTTEN}
        return await self._update(delivery.id, open_still, {"outcome": stored(outcome)})

    async def reopen(self, delivery: Delivery) -> Delivery | None:
        """An answer that was not delivered is driven again; what was sent of it stays sent."""
        if delivery.outcome is None or delivery.outcome.reason is None:
            raise ValueError(f"answer {delivery.id} has no outcome to be taken back")
        changed: dict[str, object] = {"outcome": None}
        for number, part in enumerate(delivery.parts):
            changed[f"parts.{number}.repeats_before"] = part.repeats
            if part.state is PartState.FAILED:
                changed[f"parts.{number}.state"] = PartState.PENDING.value
                changed[f"parts.{number}.uncertain_at"] = None
        as_found = {"outcome.at": delivery.outcome.at, **NOT_FORGOTTEN}
        return await self._update(delivery.id, as_found, changed)

    async def refit(self, delivery: Delivery, parts: Sequence[Part]) -> Delivery | None:
        """Put other parts in place of those that are not sent; none of them may have been begun.

        For an answer that waited until the platform took it in another form only, or the other way
        round. What was sent (an invitation to write) stays, and so do the numbers of attempts.
        """
        if delivery.begun:
            raise ValueError(f"parts of answer {delivery.id} are begun")
        sent = len(delivery.parts) - len(delivery.open_parts)
        beyond = f"parts.{len(delivery.parts)}"
        guard: dict[str, object] = {"outcome": None, beyond: {"$exists": False}}
        for number, part in enumerate(delivery.parts):
            guard |= step_guard(number, part.attempt, (part.state,))
        attempts = chain((part.attempt for part in delivery.open_parts), repeat(0))
        fitting = [
            {**pending(part), "attempt": attempt}
            for part, attempt in zip(parts, attempts, strict=False)
        ]
        entry = await self._documents.read(Name.DELIVERIES, delivery.id) if sent else None
        held = (entry or {}).get("parts")
        kept = held[:sent] if isinstance(held, list) else []
        return await self._update(delivery.id, guard, {"parts": [*kept, *fitting]})

    async def restore(self, answer: Outgoing, delivery: Delivery) -> None:
        """Put a closed entry in, or in the place of what is there: what events tell of it."""
        if delivery.outcome is None:
            raise ValueError(f"answer {delivery.id} has no outcome")
        entry = closed(answer, delivery, delivery.outcome, self._kept)
        await self._documents.apply(
            [Change(Name.DELIVERIES, delivery.id, {"$set": entry}, upsert=True)]
        )

    def _entry(self, answer: Outgoing, parts: Sequence[Part]) -> dict[str, Any]:
        return opened(answer, parts, now=milliseconds(self._clock()), kept=self._kept)

    def _claimed(self, *, attempt: int, repeats: int) -> dict[str, object]:
        return {
            "state": PartState.CLAIMED.value,
            "attempt": attempt,
            "repeats": repeats,
            "owner": self.owner,
            "claimed_at": milliseconds(self._clock()),
        }

    def _outcome(
        self, answer: Outgoing, reason: NotDeliveredReason | None, error: PlatformError | None
    ) -> Outcome:
        return Outcome(
            reason=reason,
            error=error,
            at=milliseconds(self._clock()),
            deadline=milliseconds(answer.deadline),
        )

    async def _step(
        self,
        answer_id: str,
        number: int,
        attempt: int,
        states: Sequence[PartState],
        changed: dict[str, object],
    ) -> Delivery | None:
        return await self._update(
            answer_id,
            step_guard(number, attempt, states),
            {f"parts.{number}.{name}": value for name, value in changed.items()},
        )

    async def _update(
        self, answer_id: str, guard: dict[str, object], changed: dict[str, object]
    ) -> Delivery | None:
        document = await self._documents.update(
            Change(Name.DELIVERIES, answer_id, {"$set": changed}, guard)
        )
        return None if document is None else _delivery(document)


def _delivery(document: Document) -> Delivery:
    return Delivery.model_validate(dict(document))
