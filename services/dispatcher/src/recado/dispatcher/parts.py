"""One part of an answer, from pending to its end.

The part is looked at, one step is made, and it is looked at again, until it is sent or failed, or
until it is not to be tried further. Each step is a conditional update of the ledger, so it does not
matter who else is at it, nor how often this is begun again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog

from recado.channels.contract import Sender
from recado.channels.errors import Refused, ResultUnknown, RetryLater, SenderStopped
from recado.dispatcher import callback
from recado.dispatcher.attempts import Accepted, Attempts, NotAsked, Result, UnderWay
from recado.dispatcher.delivery import Delivery, PartEntry, PartState
from recado.dispatcher.errors import IntegrationStopped, SendLater
from recado.dispatcher.ledger import Ledger
from recado.dispatcher.outgoing import Outgoing
from recado.dispatcher.ports import Clock, Sleep
from recado.schemas.deliveries import NotDeliveredReason
from recado.servicekit import metrics

log = structlog.stdlib.get_logger(__name__)

POLL: Final = timedelta(milliseconds=250)
"""How often the ledger is asked while a claim or an uncertain part is waited for."""

MOST_REPEATS: Final = 3
"""So often a part is sent again whose result stays unknown: the customer may see every one."""

FIRST_PAUSE: Final = timedelta(seconds=5)
"""Between the first and the second repeat at least; then four times as long each time."""


@dataclass(frozen=True, slots=True)
class WhenUncertain:
    """What is done on a platform about a part that may have been sent."""

    settled_within: timedelta
    """Wait so long for a status report to settle it; zero where the platform sends none."""
    send_again: bool
    """If nothing has settled it: send it again, `MOST_REPEATS` times at most, or leave it."""


@dataclass(frozen=True, slots=True)
class Timing:
    """The times that the safety of a claim rests on."""

    send_timeout: timedelta
    """A request is given up this long after its claim."""
    claim_skew: timedelta
    """How far the clocks of two dispatchers may be apart."""

    @property
    def takeover_after(self) -> timedelta:
        """From the claim until nobody's request can be under way any more."""
        return self.send_timeout + self.claim_skew


Ended = tuple[Delivery, NotDeliveredReason | None]
"""The delivery, and why this part was not sent; None if it was."""


class Parts:
    """Brings parts to their end."""

    def __init__(
        self,
        ledger: Ledger,
        attempts: Attempts,
        clock: Clock,
        sleep: Sleep,
        timing: Timing,
        when_uncertain: Mapping[str, WhenUncertain],
    ) -> None:
        self._ledger = ledger
        self._attempts = attempts
        self._clock = clock
        self._sleep = sleep
        self._timing = timing
        self._when_uncertain = when_uncertain

    async def finish(
        self, answer: Outgoing, delivery: Delivery, number: int, sender: Sender
    ) -> Ended:
        """Send the part, or find out that it was sent. Raises `SendLater`, `IntegrationStopped`.

        Waits for others are bounded by the age of their claim, waits for a status by
        `settled_within`, repeats by `MOST_REPEATS`; all end when they are cancelled.
        """
        while True:
            part = delivery.parts[number]
            match part.state:
                case PartState.SENT:
                    return delivery, None
                case PartState.FAILED:
                    return delivery, part.reason or NotDeliveredReason.REFUSED
                case PartState.PENDING:
                    if self._clock() >= answer.deadline:
                        return delivery, NotDeliveredReason.EXPIRED
                    delivery = await self._send(answer, delivery, number, sender)
                case PartState.CLAIMED:
                    delivery = await self._resolve(answer, delivery, number)
                case PartState.UNCERTAIN:
                    if self._may_be_settled(answer, part):
                        delivery = await self._wait(delivery)
                    elif not self._send_again(answer, part):
                        return delivery, NotDeliveredReason.UNCERTAIN
                    else:
                        log.warning("part.sent_again", answer_id=delivery.id, part=number)
                        metrics.PARTS_REPEATED.labels(answer.reply_to.platform).inc()
                        delivery = await self._send(answer, delivery, number, sender)

    async def _send(
        self, answer: Outgoing, delivery: Delivery, number: int, sender: Sender
    ) -> Delivery:
        claimed = await self._ledger.claim(delivery, number)
        if claimed is None:
            return await self._ledger.read(delivery.id)
        part = claimed.parts[number]
        platform = answer.reply_to.platform
        begun = self._clock()
        # Counted from the claim: others may take it over after that, however slow we were.
        left = self._timing.send_timeout - (begun - (part.claimed_at or begun))
        if left <= timedelta(0):
            return await self._ledger.release(claimed, number) or await self._ledger.read(
                delivery.id
            )
        request = sender.send(
            answer.reply_to,
            part.content,
            callback_data=callback.write(answer.id, number, answer.conversation),
            quoted_message_id=answer.quoted_message_id if number == 0 else None,
        )
        result = await self._attempts.run(claimed, number, request, timeout=left)
        metrics.SEND_SECONDS.labels(platform).observe((self._clock() - begun).total_seconds())
        metrics.SENDS.labels(platform, _outcome(result)).inc()
        return await self._enter(answer, claimed, number, result)

    async def _enter(
        self, answer: Outgoing, delivery: Delivery, number: int, result: Result
    ) -> Delivery:
        """Put the result of a claim of ours into the ledger; then it need not be remembered."""
        match result:
            case Accepted():
                stored = await self._ledger.sent(delivery, number, result.platform_message_id)
            case Refused():
                stored = await self._ledger.failed(delivery, number, result.reason, result.error)
            case RetryLater() | SenderStopped():
                stored = await self._ledger.release(delivery, number)
            case _:
                log.warning("part.uncertain", answer_id=delivery.id, part=number)
                stored = await self._ledger.uncertain(delivery, number)
        self._attempts.forget(delivery, number)
        if isinstance(result, RetryLater):
            raise SendLater(answer.id, self._wait_of(answer, result), f"code {result.code}")
        if isinstance(result, SenderStopped):
            code = result.error.code
            raise IntegrationStopped(result.integration, answer.id, f"code {code}")
        return stored or await self._ledger.read(delivery.id)

    async def _resolve(self, answer: Outgoing, delivery: Delivery, number: int) -> Delivery:
        """A claim that was found: ours from before, or somebody else's."""
        part = delivery.parts[number]
        if part.owner == self._ledger.owner:
            known = self._attempts.find(delivery, number)
            if isinstance(known, NotAsked):
                released = await self._ledger.release(delivery, number)
                return released or await self._ledger.read(delivery.id)
            if not isinstance(known, UnderWay):
                return await self._enter(answer, delivery, number, known)
        if part.claimed_at and self._clock() < part.claimed_at + self._timing.takeover_after:
            return await self._wait(delivery)
        metrics.SENDS.labels(answer.reply_to.platform, "uncertain").inc()
        stored = await self._ledger.uncertain(delivery, number)
        return stored or await self._ledger.read(delivery.id)

    def _wait_of(self, answer: Outgoing, result: RetryLater) -> timedelta | None:
        """What the platform wants, but not beyond the deadline, which ends the answer."""
        if result.retry_after is None:
            return None
        return min(result.retry_after, max(answer.deadline - self._clock(), timedelta(0)))

    def _may_be_settled(self, answer: Outgoing, part: PartEntry) -> bool:
        """Whether a report on it may still come, or it was sent again only just now."""
        when = self._when_uncertain[answer.reply_to.platform]
        wait = when.settled_within
        if when.send_again and 0 < part.repeats_this_time < MOST_REPEATS:
            wait = max(wait, FIRST_PAUSE * 4 ** (part.repeats_this_time - 1))
        return part.uncertain_at is not None and self._clock() < part.uncertain_at + wait

    def _send_again(self, answer: Outgoing, part: PartEntry) -> bool:
        wanted = self._when_uncertain[answer.reply_to.platform].send_again
        in_time = self._clock() < answer.deadline
        return wanted and in_time and part.repeats_this_time < MOST_REPEATS

    async def _wait(self, delivery: Delivery) -> Delivery:
        await self._sleep(POLL)
        return await self._ledger.read(delivery.id)


def _outcome(result: Result) -> str:
    match result:
        case Accepted():
            return "sent"
        case Refused():
            return "failed"
        case ResultUnknown():
            return "uncertain"
        case _:
            return "retried"
