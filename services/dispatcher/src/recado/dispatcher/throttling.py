"""Sends spaced as the platforms want them: whose turn it is, and how long until then.

What it promises:

- The parts of an integration go out evenly spaced, in the order in which they asked, a little
  slower than the platform allows (`MARGIN`); and never two closer than it allows, whatever held
  the first up. Whoever must wait longer than `LEAD` waits without a slot and without a claim.
- To one chat no more goes than the platform allows there; nobody else waits for that.
- A process takes the share of an integration's rate that it has of the partitions of answers, so
  that all processes together keep to it and need nothing in common but the time. Its share begins
  anew with every assignment, with nothing saved up: whoever had the partition before may have used
  it. Those who wait go at times of its own, between those of the other processes: if all sent at
  once, a delay on the way would put more of them into a second.
- An integration that is told to send more slowly does so at once, and comes back step by step.
- Messages that come in count where the platform counts them.

It holds what one process knows; nothing of it outlives the process or its assignment.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from recado.channels.contract import Limits
from recado.dispatcher.pacing import Pace
from recado.dispatcher.rates import LEAD, IntegrationRate, Share
from recado.schemas.conversations import ReplyTo
from recado.servicekit import metrics

FORGOTTEN_AFTER: Final = 60.0
"""Seconds after its turn: an answer that did not come for it needs it no more."""

FEW_CHATS: Final = 1024
"""Not worth looking for those that count no more."""

Ticks = Callable[[], float]
"""Seconds of a clock that never goes back."""

Sleep = Callable[[float], Awaitable[None]]

_NO_WAIT: Final = timedelta(0)


@dataclass(slots=True)
class _Turn:
    at: float
    epoch: int
    """Of the rate that it was given under: it is worth nothing under another."""


class Throttle:
    """Whose turn it is. Used by one event loop."""

    def __init__(
        self,
        limits: Callable[[ReplyTo], Limits],
        ticks: Ticks,
        sleep: Sleep = asyncio.sleep,
        *,
        zero: float = 0.0,
    ) -> None:
        """`limits` are asked for each time: they may be configured anew.

        `zero`: what `ticks` showed at a moment that all processes agree on.
        """
        self._limits = limits
        self._ticks = ticks
        self._sleep = sleep
        self._share = Share(1.0, 0.0, zero)
        self._assigned_at = float("-inf")
        self._integrations: dict[tuple[str, str], IntegrationRate] = {}
        self._chats: dict[tuple[str, str, str], Pace] = {}
        self._look_at = FEW_CHATS
        self._turns: dict[UUID, _Turn] = {}

    def assigned(self, share: float, *, before: float = 0.0) -> None:
        """From now on this process has that share of the partitions of answers, above zero.

        `before`: the share of those with lower numbers than its own, which tells it from others.
        """
        now = self._ticks()
        self._share = Share(share, before, self._share.zero)
        self._assigned_at = now
        self._turns.clear()
        self._chats.clear()
        for integration in self._integrations.values():
            integration.begin(self._share, now)

    def before(self, answer_id: UUID, reply_to: ReplyTo, *, left: timedelta) -> timedelta:
        """How long the answer's next part waits until it is worth taking up; zero: now.

        Its turn is kept for it, unless that is later than the time that the answer has `left`.
        """
        now = self._ticks()
        limits = self._limits(reply_to)
        chat = self._chat(reply_to, limits, now)
        if chat is not None and (at := chat.next(now)) > now + LEAD:
            return self._wait(at - now, reply_to, "chat")
        integration = self._integration(reply_to, limits, now)
        if integration is None:
            return _NO_WAIT
        turn = self._turns.get(answer_id)
        if turn is None or turn.epoch != integration.epoch:
            self._forget_old(now)
            if integration.pace.next(now) - now > left.total_seconds():
                return left
            turn = _Turn(integration.take(now), integration.epoch)
            self._turns[answer_id] = turn
        if turn.at > now + LEAD:
            return self._wait(turn.at - now, reply_to, "integration")
        return _NO_WAIT

    async def turn(self, answer_id: UUID, reply_to: ReplyTo, *, within: timedelta) -> bool:
        """Return when the answer's next part may go, right now; False: not `within` that time.

        It must have been told to come by `before`.
        """
        turn = self._turns.pop(answer_id, None)
        end = self._ticks() + within.total_seconds()
        while True:
            now = self._ticks()
            limits = self._limits(reply_to)
            chat = self._chat(reply_to, limits, now)
            integration = self._integration(reply_to, limits, now)
            at = now if turn is None else max(now, turn.at)
            if chat is not None:
                at = max(at, chat.next(now))
            if integration is not None:
                at = max(at, integration.gate.next(now))
            if at > end:
                return False
            if at <= now:
                if chat is not None:
                    chat.spend(now)
                if integration is not None:
                    integration.gate.spend(now)
                return True
            await self._sleep(at - now)

    def too_fast(self, reply_to: ReplyTo) -> None:
        """The platform says that the integration sends too fast."""
        now = self._ticks()
        integration = self._integration(reply_to, self._limits(reply_to), now)
        if integration is not None:
            integration.slow_down(now)
            self._show(integration.platform)

    def received(self, reply_to: ReplyTo) -> None:
        """A message came in just now. Where the platform counts that, less may go out."""
        limits = self._limits(reply_to)
        if limits.counts_received:
            now = self._ticks()
            integration = self._integration(reply_to, limits, now)
            if integration is not None:
                integration.pace.spend(now)

    def _integration(self, reply_to: ReplyTo, limits: Limits, now: float) -> IntegrationRate | None:
        if limits.per_second is None:
            return None
        key = reply_to.platform, reply_to.integration
        known = self._integrations.get(key)
        if known is None:
            known = IntegrationRate(reply_to.platform, limits.per_second, self._share, now)
            if now - self._assigned_at > LEAD:
                known.pace.behind = now
            self._integrations[key] = known
            self._show(reply_to.platform)
        elif known.per_second != limits.per_second:
            known.change(limits.per_second, now)
            self._show(reply_to.platform)
        if known.recover(now):
            self._show(reply_to.platform)
        return known

    def _chat(self, reply_to: ReplyTo, limits: Limits, now: float) -> Pace | None:
        if limits.chat_interval is None:
            return None
        key = reply_to.platform, reply_to.integration, reply_to.chat
        interval = limits.chat_interval.total_seconds()
        pace = self._chats.get(key)
        if pace is None:
            self._forget_chats(now)
            pace = self._chats[key] = Pace(interval, limits.chat_burst)
            pace.empty(self._assigned_at)
        elif (pace.interval, pace.burst) != (interval, limits.chat_burst):
            pace.interval, pace.burst = interval, limits.chat_burst
        return pace

    def _forget_chats(self, now: float) -> None:
        if len(self._chats) < self._look_at:
            return
        self._chats = {key: pace for key, pace in self._chats.items() if not pace.unused(now)}
        self._look_at = max(FEW_CHATS, 2 * len(self._chats))

    def _wait(self, seconds: float, reply_to: ReplyTo, why: str) -> timedelta:
        metrics.TURNS_WAITED.labels(reply_to.platform, why).inc()
        return timedelta(seconds=seconds - LEAD)

    def _forget_old(self, now: float) -> None:
        for answer_id, turn in [*self._turns.items()]:
            if turn.at >= now - FORGOTTEN_AFTER:
                break  # in order of time, but for those of other integrations
            del self._turns[answer_id]

    def _show(self, platform: str) -> None:
        rates = (one.rate() for one in self._integrations.values() if one.platform == platform)
        metrics.SEND_RATE.labels(platform).set(sum(rates))
