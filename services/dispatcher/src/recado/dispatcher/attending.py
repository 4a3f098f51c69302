"""Shows customers that somebody is there: the message is read, an answer is being written.

It begins as soon as a message comes, for those that are answered and are young: who starts again
after an outage does not type to everybody. It goes on while the answer takes longer than the
platform shows it, until the answer comes, the partition goes to another process, or `LONGEST` has
passed. A person may have the conversation, or the customer may want no answers: then nothing is
shown. A button that was pressed is acknowledged, so that it waits no longer.

Nothing rests on it, and nothing waits for it. It has connections and a rate of its own; what does
not fit is dropped; an error ends it for this message, and is counted.
"""

import asyncio
from collections.abc import Awaitable, Collection
from datetime import datetime, timedelta
from typing import Final, Protocol

import structlog

from recado.channels.contract import Attentive
from recado.channels.errors import ChannelError, ResultUnknown
from recado.dispatcher.errors import StoreUnavailable
from recado.dispatcher.ports import Clock, Documents, Name
from recado.dispatcher.together import both
from recado.schemas.conversations import ReplyTo
from recado.schemas.events import MessageReceived
from recado.schemas.webhooks import MessageKind
from recado.servicekit import metrics

log = structlog.stdlib.get_logger(__name__)

YOUNG: Final = timedelta(seconds=30)
"""Older messages are not attended to: the customer looks elsewhere by now."""

LONGEST: Final = timedelta(minutes=1)
"""Nobody types for longer."""

IN_TIME: Final = timedelta(seconds=1)
"""So long before it would end, typing is shown again."""

REQUEST_TIMEOUT: Final = timedelta(seconds=5)

MOST_AT_ONCE: Final = 500
"""Conversations that are attended to."""

PER_SECOND: Final = 10
"""Requests of an integration, beside those that send."""

_SAYS_NOTHING = frozenset(
    {MessageKind.EDIT, MessageKind.REVOKE, MessageKind.REACTION, MessageKind.SYSTEM}
)


class AttentiveSenders(Protocol):
    """The integrations as far as they can show anything."""

    def attentive(self, reply_to: ReplyTo) -> Attentive | None:
        """What shows it at this address; None where the platform has no such thing."""
        ...


class Attention:
    """What is shown to whom, in one process. Close it before the senders."""

    def __init__(
        self, senders: AttentiveSenders, documents: Documents, clock: Clock, *, typing: bool
    ) -> None:
        """Without `typing` only buttons are acknowledged."""
        self._senders = senders
        self._documents = documents
        self._clock = clock
        self._typing = typing
        self._shown: dict[str, tuple[int, asyncio.Task[None]]] = {}
        self._free_at: dict[tuple[str, str], float] = {}

    def received(self, message: MessageReceived, partition: int) -> None:
        """The message came from this partition. Returns at once and never raises."""
        if not self._wanted(message):
            return
        if self._senders.attentive(message.reply_to) is None:
            return
        self.ended(message.conversation)  # the newest is what is shown
        if len(self._shown) >= MOST_AT_ONCE:
            _count(message.reply_to, "dropped")
            return
        task = asyncio.create_task(self._show(message), name="attending")
        shown = partition, task
        self._shown[message.conversation] = shown
        task.add_done_callback(lambda _: self._forget(message.conversation, shown))

    def ended(self, conversation: str) -> None:
        """Show it no longer: an answer is about to be sent."""
        _, task = self._shown.pop(conversation, (0, None))
        if task is not None:
            task.cancel()

    def revoked(self, partitions: Collection[int]) -> None:
        """Another process has these partitions now, and sends the answers."""
        for conversation, (partition, _) in list(self._shown.items()):
            if partition in partitions:
                self.ended(conversation)

    async def close(self) -> None:
        """Show nothing any more."""
        tasks = [task for _, task in self._shown.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _wanted(self, message: MessageReceived) -> bool:
        return (
            message.addressed
            and message.kind not in _SAYS_NOTHING
            and self._clock() - _written_at(message) < YOUNG
            and (self._typing or message.kind is MessageKind.CALLBACK)
        )

    async def _show(self, message: MessageReceived) -> None:
        try:
            if message.kind is MessageKind.CALLBACK and self._has_turn(message.reply_to):
                attentive = self._senders.attentive(message.reply_to)
                if attentive is None:
                    return
                await _in_time(attentive.acknowledge(message))
                _count(message.reply_to, "shown")
            if self._typing and await self._is_to_be_answered(message):
                async with asyncio.timeout(LONGEST.total_seconds()):
                    await self._type(message)
        except (ChannelError, StoreUnavailable) as error:
            _count(message.reply_to, "failed")
            log.debug("attention.failed", message_id=str(message.id), error=str(error))
        except TimeoutError:
            log.debug("attention.ended", message_id=str(message.id))

    async def _type(self, message: MessageReceived) -> None:
        # Each time as the integration is then: one that was replaced has its connections closed.
        while (attentive := self._senders.attentive(message.reply_to)) is not None:
            if self._has_turn(message.reply_to):
                await _in_time(attentive.attend(message))
                _count(message.reply_to, "shown")
            await asyncio.sleep((attentive.typing_lasts - IN_TIME).total_seconds())

    async def _is_to_be_answered(self, message: MessageReceived) -> bool:
        """Whether the assistant answers there and has not yet, as far as is known."""
        conversation, row = await both(
            self._documents.read(Name.CONVERSATIONS, message.conversation),
            self._documents.read(Name.MESSAGES, str(message.id)),
        )
        known = conversation or {}
        return (
            known.get("handoff") is None
            and known.get("opted_out_at") is None
            and (row or {}).get("answered_by") is None
        )

    def _has_turn(self, reply_to: ReplyTo) -> bool:
        """Whether a request may go now; one that may not is dropped and never waits."""
        account = reply_to.platform, reply_to.integration
        now = asyncio.get_running_loop().time()
        free_at = max(self._free_at.get(account, 0.0), now - 1)
        if free_at > now:
            _count(reply_to, "dropped")
            return False
        self._free_at[account] = free_at + 1 / PER_SECOND
        return True

    def _forget(self, conversation: str, shown: tuple[int, asyncio.Task[None]]) -> None:
        if self._shown.get(conversation) is shown:
            del self._shown[conversation]
        _, task = shown
        if not task.cancelled() and task.exception() is not None:
            log.error("attention.broke", exc_info=task.exception())


async def _in_time(request: Awaitable[None]) -> None:
    try:
        async with asyncio.timeout(REQUEST_TIMEOUT.total_seconds()):
            await request
    except TimeoutError:
        raise ResultUnknown("TimeoutError") from None


def _written_at(message: MessageReceived) -> datetime:
    """By the platform's clock or ours, whichever says earlier. A button has the time of neither."""
    if message.sent_at is None or message.kind is MessageKind.CALLBACK:
        return message.occurred_at
    return min(message.occurred_at, message.sent_at)


def _count(reply_to: ReplyTo, outcome: str) -> None:
    metrics.ATTENTION.labels(reply_to.platform, outcome).inc()
