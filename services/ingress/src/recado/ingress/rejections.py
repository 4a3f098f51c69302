"""Records of rejected requests: few, beside the request, never in its way.

Anybody can send a request that is rejected. Each is counted; recorded are only as many as token
buckets allow, per integration and source and per integration in all. The records are written by a
task of its own, from a bounded queue: a rejection is answered at once and whether Kafka is there or
not. What does not fit, or is not acknowledged, is counted as unrecorded.
"""

import asyncio
from datetime import timedelta

import structlog

from recado.ingress.errors import IngressError
from recado.ingress.limits import TokenBuckets
from recado.ingress.outbox import Outbox
from recado.ingress.packing import pack_record
from recado.schemas.webhooks import WebhookReceived
from recado.servicekit import metrics

log = structlog.stdlib.get_logger(__name__)

QUEUE_SIZE = 200
COARSER = 10
"""An integration in all may have so many times what one source of it may have."""


class Rejections:
    """Records rejected requests, within bounds."""

    def __init__(
        self, outbox: Outbox, *, per_second: float, burst: int, queue_size: int = QUEUE_SIZE
    ) -> None:
        self._outbox = outbox
        self._by_source = TokenBuckets(per_second=per_second, burst=burst)
        self._by_integration = TokenBuckets(per_second=per_second * COARSER, burst=burst * COARSER)
        self._queue: asyncio.Queue[WebhookReceived] = asyncio.Queue(queue_size)

    def note(self, event: WebhookReceived, *, integration: str, source: str) -> bool:
        """Have the rejection recorded if the bounds allow; whether they did. Never waits.

        `integration` names the bucket: the one that the path named if it exists, else something
        that the sender can't choose.
        """
        allowed = self._by_source.take((integration, source)) and self._by_integration.take(
            integration
        )
        if allowed:
            try:
                self._queue.put_nowait(event)
            except asyncio.QueueFull:
                allowed = False
        if not allowed:
            metrics.REJECTIONS_UNRECORDED.inc()
        return allowed

    async def run(self) -> None:
        """Write what is noted, until cancelled."""
        while True:
            event = await self._queue.get()
            try:
                await self._outbox.publish([pack_record(event)])
            except IngressError as error:
                metrics.REJECTIONS_UNRECORDED.inc()
                log.debug("rejection.not_recorded", error=str(error))
            finally:
                self._queue.task_done()

    async def drain(self, timeout: timedelta) -> None:
        """Wait until all that is noted is written, or the time is up. `run` must be running."""
        try:
            async with asyncio.timeout(timeout.total_seconds()):
                await self._queue.join()
        except TimeoutError:
            metrics.REJECTIONS_UNRECORDED.inc(self._queue.qsize())
