"""Integrations of which the platform takes nothing, for their token or account is broken.

One answer at a time asks now and then whether that has been mended; all others of the integration
wait without asking, until their deadlines. What is known of an integration is forgotten as soon as
it is configured anew.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import structlog

from recado.channels.contract import Integration
from recado.schemas.conversations import ReplyTo
from recado.servicekit import metrics

log = structlog.stdlib.get_logger(__name__)

ASKED_EVERY: Final = 15.0
"""Seconds."""

Ticks = Callable[[], float]
"""Seconds of a clock that never goes back."""

_Key = tuple[str, str]
"""Platform and name."""


@dataclass(slots=True)
class _Stop:
    code: str
    asked_at: float
    asks: UUID | None = None
    """The answer that may ask."""


class Stopped:
    """What is stopped, as one process knows it."""

    def __init__(self, ticks: Ticks) -> None:
        self._ticks = ticks
        self._stops: dict[_Key, _Stop] = {}
        self._configured: dict[_Key, Integration] = {}

    def code(self, answer_id: UUID, reply_to: ReplyTo) -> str | None:
        """Why the answer is to wait; None: it may ask the platform."""
        stop = self._stops.get((reply_to.platform, reply_to.integration))
        if stop is None or stop.asks == answer_id:
            return None
        now = self._ticks()
        if now - stop.asked_at >= ASKED_EVERY:
            stop.asked_at, stop.asks = now, answer_id
            return None
        return stop.code

    def stop(self, reply_to: ReplyTo, code: str) -> None:
        """The platform has said so just now."""
        key = reply_to.platform, reply_to.integration
        if key not in self._stops:
            log.error("integration.stopped", platform=key[0], integration=key[1], code=code)
        self._stops[key] = _Stop(code, self._ticks())
        self._show()

    def works(self, reply_to: ReplyTo) -> None:
        """The platform has taken something, or refused it for what it is."""
        if self._stops:
            self._forget(reply_to.platform, reply_to.integration)

    def configured(self, integrations: Iterable[Integration]) -> None:
        """These are in use from now on: what changed among them may work now."""
        known, self._configured = (
            self._configured,
            {(one.platform, one.name): one for one in integrations},
        )
        for platform, name in [*self._stops]:
            if known.get((platform, name)) != self._configured.get((platform, name)):
                self._forget(platform, name)

    async def warning(self) -> str | None:
        """What readiness says while anything is stopped."""
        if not self._stops:
            return None
        return "; ".join(
            f"{platform} takes nothing of {name} (code {stop.code})"
            for (platform, name), stop in sorted(self._stops.items())
        )

    def _forget(self, platform: str, name: str) -> None:
        if self._stops.pop((platform, name), None) is not None:
            log.warning("integration.goes_on", platform=platform, integration=name)
            self._show(platform)

    def _show(self, *also: str) -> None:
        for platform in {*also, *(platform for platform, _ in self._stops)}:
            count = sum(one == platform for one, _ in self._stops)
            metrics.INTEGRATIONS_STOPPED.labels(platform).set(count)
