"""What every service that consumes does in the same order.

Health first, so that a supervisor sees it waiting; then its own parts; then Kafka and its topics,
which are waited for; then it consumes. It stops the other way round: work in hand is finished and
committed before anything that it needs is closed.
"""

import abc
import asyncio
from collections.abc import Collection, Coroutine, Mapping
from contextlib import AsyncExitStack, suppress
from datetime import timedelta
from functools import partial

import structlog
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from prometheus_client import CollectorRegistry

from recado.servicekit.consuming import LaneMetrics
from recado.servicekit.health import Check, Health, HealthServer
from recado.servicekit.settings import ConsumerSettings
from recado.servicekit.topics import admin_client

log = structlog.stdlib.get_logger(__name__)

PAUSE = timedelta(seconds=2)
"""Between two looks for what is not there yet."""


class ConsumerService(abc.ABC):
    """A `recado.servicekit.service.Service` around a consumer.

    `checks` are its readiness checks besides that of the consumer group, `warnings` what readiness
    only tells, `exposed` is what it has on `/metrics`.
    """

    def __init__(
        self,
        settings: ConsumerSettings,
        metrics: LaneMetrics,
        checks: Mapping[str, Check],
        exposed: CollectorRegistry,
        *,
        warnings: Mapping[str, Check] | None = None,
    ) -> None:
        self._kafka = settings
        self._topics = metrics.topics
        stuck = partial(metrics.stuck, settings.liveness_timeout)
        health = Health({"kafka": metrics.problem, **checks}, exposed, stuck, warnings)
        self._health = HealthServer(health, settings.host, settings.port)
        self._until = asyncio.Event()
        self._at_once = asyncio.Event()
        self._consuming: asyncio.Task[None] | None = None
        self._beside: list[asyncio.Task[None]] = []
        self._parts = AsyncExitStack()

    @abc.abstractmethod
    async def open_parts(self, parts: AsyncExitStack) -> None:
        """Open what the service needs besides Kafka, and have it closed by `parts`."""

    @abc.abstractmethod
    async def consume(
        self, parts: AsyncExitStack, until: asyncio.Event, at_once: asyncio.Event
    ) -> None:
        """Consume until `until` is set; raise what ends it before.

        Once `at_once` is set, nothing is waited for any more: what is in work is cancelled, what
        is done is committed. Kafka and the topics of the lanes were there just now.
        """

    async def start(self) -> None:
        """Return when the parts are open; Kafka is waited for afterwards."""
        await self._health.start()
        self._parts.push_async_callback(self._health.stop)
        await self.open_parts(self._parts)
        self._consuming = asyncio.create_task(self._consume(), name="consuming")

    def beside(self, work: Coroutine[object, object, None], name: str) -> None:
        """Do this as long as the service runs: for `open_parts`. Its end is the service's failure.

        It is cancelled before the parts that were opened before it are closed.
        """
        task = asyncio.create_task(work, name=name)
        self._beside.append(task)
        self._parts.push_async_callback(_cancel, task)

    async def failed(self) -> BaseException:
        """Whatever ended the consumer, or what is done beside it."""
        if self._consuming is None:
            return RuntimeError("the consumer was not started")
        done, _ = await asyncio.wait(
            [self._consuming, *self._beside], return_when=asyncio.FIRST_COMPLETED
        )
        ended = next(iter(done))
        error = None if ended.cancelled() else ended.exception()
        return error or RuntimeError(f"{ended.get_name()} ended")

    async def stop(self) -> None:
        """Finish what is in hand, commit, leave the group, close."""
        self._health.health.stopping = True
        self._until.set()
        if self._consuming is not None:
            await asyncio.gather(self._consuming, return_exceptions=True)
        await self._parts.aclose()

    def hurry(self) -> None:
        """Let what is in hand go, commit what is done, leave the group, close."""
        self._at_once.set()

    async def pause(self) -> None:
        """Wait a little, or until the service is told to stop."""
        with suppress(TimeoutError):
            async with asyncio.timeout(PAUSE.total_seconds()):
                await self._until.wait()

    async def _consume(self) -> None:
        while not self._until.is_set():
            try:
                async with admin_client(self._kafka) as admin:
                    missing = await _missing(admin, self._topics)
            except (KafkaError, OSError) as error:
                log.warning("consumer.waits_for_kafka", error=type(error).__name__)
                await self.pause()
            else:
                if not missing:
                    return await self.consume(self._parts, self._until, self._at_once)
                log.warning("consumer.waits_for_topics", topics=missing)
                await self.pause()
        return None


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _missing(admin: AIOKafkaAdminClient, topics: Collection[str]) -> list[str]:
    """Those of the topics that can't be read yet: to a consumer each would be a fatal error.

    All of the cluster are asked for, since to ask for one may create it.
    """
    found = {one["topic"] for one in await admin.describe_topics() if not one["error_code"]}
    return sorted(set(topics) - found)
