"""One part of an answer, from pending to its end.

The part is looked at, one step is made, and it is looked at again, until it is sent or failed, or
until it is not to be tried further. Each step is a conditional update of the ledger, so it does not
matter who else is at it, nor how often this is begun again. Where only time or somebody else can
make the next step, nothing waits here: `ResultPending` says when to look again.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog

from recado.channels.contract import Part, Sender
from recado.channels.errors import (
    ChatMoved,
    Refused,
    ResultUnknown,
    RetryLater,
    SenderStopped,
    Unclassified,
)
from recado.dispatcher import callback, waits
from recado.dispatcher.attempts import Accepted, Attempts, NotAsked, Result, UnderWay
from recado.dispatcher.delivery import Delivery, PartEntry, PartState
from recado.dispatcher.errors import IntegrationStopped, NotItsTurn, ResultPending, SendLater
from recado.dispatcher.ledger import Ledger
from recado.dispatcher.outgoing import Outgoing
from recado.dispatcher.ports import Clock
from recado.dispatcher.stopped import Stopped
from recado.dispatcher.throttling import Throttle
from recado.dispatcher.timing import Timing, WhenUncertain
from recado.schemas.deliveries import NotDeliveredReason
from recado.schemas.webhooks import PlatformError
from recado.servicekit import metrics

log = structlog.stdlib.get_logger(__name__)

MOST_REPEATS: Final = 3
"""So often a part is sent again whose result stays unknown: the customer may see every one."""

MOST_UNCLASSIFIED: Final = 3
"""A part that was refused so often for a reason that we have no name for is refused for good."""

FIRST_PAUSE: Final = timedelta(seconds=5)
"""Between the first and the second repeat at least; then four times as long each time."""


Ended = tuple[Delivery, NotDeliveredReason | None]
"""The delivery, and why this part was not sent; None if it was."""


class Parts:
    """Brings parts to their end."""

    def __init__(
        self,
        ledger: Ledger,
        attempts: Attempts,
        clock: Clock,
        timing: Timing,
        when_uncertain: Mapping[str, WhenUncertain],
        throttle: Throttle,
        stopped: Stopped,
    ) -> None:
        self._ledger = ledger
        self._attempts = attempts
        self._clock = clock
        self._timing = timing
        self._when_uncertain = when_uncertain
        self._throttle = throttle
        self._stopped = stopped

    def until_its_turn(self, answer: Outgoing) -> None:
        """Raise `NotItsTurn` where the platform's limits let others go first.

        And `IntegrationStopped` where the platform takes nothing of the integration.
        """
        left = answer.deadline - self._clock()
        if left > timedelta(0):
            code = self._stopped.code(answer.id, answer.reply_to)
            if code is not None:
                raise IntegrationStopped(answer.reply_to.integration, answer.id, f"code {code}")
            wait = self._throttle.before(answer.id, answer.reply_to, left=left)
            if wait > timedelta(0):
                raise NotItsTurn(answer.id, wait)

    def look(self, answer: Outgoing, delivery: Delivery) -> None:
        """Raise `ResultPending` where all that the next part of the answer needs is time."""
        for number, part in enumerate(delivery.parts):
            if part.state is not PartState.SENT:
                self._look(answer, delivery, number)
                return

    async def finish(
        self, answer: Outgoing, delivery: Delivery, number: int, sender: Sender | None
    ) -> Ended:
        """Send the part, or find out that it was sent. Raises `SendLater`, `IntegrationStopped`.

        Without a sender, for its integration is gone, what was sent before still counts.

        It is to be begun again then, and waiting has an end: for somebody's claim by its age, for
        a status by `settled_within`, for repeats by `MOST_REPEATS`.
        """
        while True:
            if delivery.forgotten_at is not None:  # meanwhile: there are no parts any more
                return delivery, None
            self._look(answer, delivery, number)
            part = delivery.parts[number]
            match part.state:
                case PartState.SENT:
                    return delivery, None
                case PartState.FAILED:
                    return delivery, part.reason or NotDeliveredReason.REFUSED
                case PartState.PENDING:
                    if sender is None:
                        return delivery, NotDeliveredReason.UNKNOWN_INTEGRATION
                    if self._clock() >= answer.deadline:
                        return delivery, NotDeliveredReason.EXPIRED
                    delivery = await self._send(answer, delivery, number, sender)
                case PartState.CLAIMED:
                    delivery = await self._resolve(answer, delivery, number)
                case PartState.UNCERTAIN:
                    if sender is None or not self._send_again(answer, part):
                        return delivery, NotDeliveredReason.UNCERTAIN
                    delivery = await self._send(answer, delivery, number, sender)

    async def begin(
        self, answer: Outgoing, content: Sequence[Part], sender: Sender
    ) -> Delivery | None:
        """Open the answer's entry and send its first part; None if it was opened before.

        The request follows the claim at once. An answer that has to wait for its turn to be sent
        is opened without a claim (`Ledger.open`) and goes through `finish`. Raises as that does.
        """
        begun = await self._ledger.begin(answer, content)
        return None if begun is None else await self._ask(answer, begun, 0, sender)

    async def _send(
        self, answer: Outgoing, delivery: Delivery, number: int, sender: Sender
    ) -> Delivery:
        self.until_its_turn(answer)
        claimed = await self._ledger.claim(delivery, number)
        if claimed is None:
            return await self._ledger.read(delivery.id)
        return await self._ask(answer, claimed, number, sender)

    async def _ask(
        self, answer: Outgoing, claimed: Delivery, number: int, sender: Sender
    ) -> Delivery:
        """Send the part that was claimed only just now."""
        part = claimed.parts[number]
        platform = answer.reply_to.platform
        its_turn = await self._throttle.turn(
            answer.id, answer.reply_to, within=self._timing.connecting
        )
        begun = self._clock()
        # Counted from the claim: others may take it over after that, however slow we were.
        left = self._timing.send_timeout - (begun - (part.claimed_at or begun))
        if not its_turn or left < self._timing.connecting:
            await self._ledger.release(claimed, number)
            wait = self._within_deadline(answer, waits.before_sending(part.attempt, None))
            raise SendLater(answer.id, wait, "its claim took too long")
        reply_to = answer.reply_to
        if claimed.moved_to is not None:
            reply_to = reply_to.model_copy(update={"chat": claimed.moved_to})
        request = sender.send(
            reply_to,
            part.content,
            callback_data=callback.write(answer.id, number, answer.conversation),
            quoted_message_id=answer.quoted_message_id if number == 0 else None,
        )
        result = await self._attempts.run(claimed, number, request, timeout=left)
        metrics.SEND_SECONDS.labels(platform).observe((self._clock() - begun).total_seconds())
        metrics.SENDS.labels(platform, _outcome(result)).inc()
        if part.uncertain_at is not None and not isinstance(result, RetryLater | SenderStopped):
            log.warning("part.sent_again", answer_id=claimed.id, part=number)
            metrics.PARTS_REPEATED.labels(platform).inc()
        return await self._enter(answer, claimed, number, result)

    async def _enter(
        self, answer: Outgoing, delivery: Delivery, number: int, result: Result
    ) -> Delivery:
        """Put the result of a claim of ours into the ledger; then it need not be remembered."""
        part = delivery.parts[number]
        match result:
            case Accepted():
                # An invitation to write delivers nothing: it is closed with its reason.
                last = number == len(delivery.parts) - 1 and not delivery.only_invites
                stored = await self._ledger.sent(
                    delivery, number, result.platform_message_id, closing=answer if last else None
                )
            case Refused():
                stored = await self._ledger.failed(delivery, number, result.reason, result.error)
            case Unclassified() if part.unclassified + 1 >= MOST_UNCLASSIFIED:
                reason = NotDeliveredReason.REFUSED
                stored = await self._ledger.failed(delivery, number, reason, result.error)
                result = Refused(reason, result.error)
            case ChatMoved() if delivery.moved_to is not None:
                reason = NotDeliveredReason.REFUSED
                error = PlatformError(code="moved", title="the chat moved twice")
                stored = await self._ledger.failed(delivery, number, reason, error)
            case ChatMoved():
                stored = await self._ledger.release(delivery, number, moved_to=result.chat)
            case RetryLater() | SenderStopped():
                unclassified = isinstance(result, Unclassified)
                stored = await self._ledger.release(delivery, number, unclassified=unclassified)
            case _:
                log.warning("part.uncertain", answer_id=delivery.id, part=number)
                stored = await self._ledger.uncertain(delivery, number)
        self._attempts.forget(delivery, number)
        if isinstance(result, RetryLater):
            if result.too_fast:
                self._throttle.too_fast(answer.reply_to)
            wait = waits.before_sending(
                part.attempt, result.retry_after, chat_only=result.chat_only
            )
            raise SendLater(answer.id, self._within_deadline(answer, wait), str(result))
        if isinstance(result, SenderStopped):
            code = str(result.error.code)
            self._stopped.stop(answer.reply_to, code)
            raise IntegrationStopped(result.integration, answer.id, f"code {code}")
        if isinstance(result, Accepted | Refused):
            self._stopped.works(answer.reply_to)
        return stored or await self._ledger.read(delivery.id)

    async def _resolve(self, answer: Outgoing, delivery: Delivery, number: int) -> Delivery:
        """A claim that was found, and is not waited for: ours from before, or one too old."""
        known = self._known(delivery, number)
        if isinstance(known, NotAsked):
            released = await self._ledger.release(delivery, number)
            return released or await self._ledger.read(delivery.id)
        if known is not None:
            return await self._enter(answer, delivery, number, known)
        metrics.SENDS.labels(answer.reply_to.platform, "uncertain").inc()
        stored = await self._ledger.uncertain(delivery, number)
        return stored or await self._ledger.read(delivery.id)

    def _known(self, delivery: Delivery, number: int) -> Result | NotAsked | None:
        """What came of a claim; None where it is another's, or its request is under way."""
        if delivery.parts[number].owner != self._ledger.owner:
            return None
        found = self._attempts.find(delivery, number)
        return None if isinstance(found, UnderWay) else found

    def _look(self, answer: Outgoing, delivery: Delivery, number: int) -> None:
        """Raise `ResultPending` where the part's result may still come, or it is too soon."""
        part = delivery.parts[number]
        since: datetime | None = None
        wait = timedelta(0)
        if part.state is PartState.CLAIMED and self._known(delivery, number) is None:
            since, wait = part.claimed_at, self._timing.takeover_after
        elif part.state is PartState.UNCERTAIN:
            since, wait = part.uncertain_at, self._settled_within(answer, part)
        now = self._clock()
        if since is not None and now < since + wait:
            again = waits.before_looking(now, since, since + wait)
            raise ResultPending(answer.id, again, f"part {number} is {part.state.value}")

    def _settled_within(self, answer: Outgoing, part: PartEntry) -> timedelta:
        """For so long a report on it may come, or it was sent again only just now."""
        when = self._when_uncertain[answer.reply_to.platform]
        if when.send_again and 0 < part.repeats_this_time < MOST_REPEATS:
            pause: timedelta = FIRST_PAUSE * 4 ** (part.repeats_this_time - 1)
            return max(when.settled_within, pause)
        return when.settled_within

    def _within_deadline(self, answer: Outgoing, wait: timedelta) -> timedelta:
        """Not beyond the deadline, which ends the answer."""
        return min(wait, max(answer.deadline - self._clock(), timedelta(0)))

    def _send_again(self, answer: Outgoing, part: PartEntry) -> bool:
        wanted = self._when_uncertain[answer.reply_to.platform].send_again
        in_time = self._clock() < answer.deadline
        return wanted and in_time and part.repeats_this_time < MOST_REPEATS


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
