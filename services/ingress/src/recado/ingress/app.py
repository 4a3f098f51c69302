"""The ingress service: its parts put together, started and stopped in order."""

import asyncio
import os
from datetime import UTC, datetime

import structlog

from recado.channels.accounts import Accounts
from recado.channels.registry import CHANNELS
from recado.channels.watching import IntegrationsFile
from recado.ingress.admission import Admission
from recado.ingress.bodies import BodyReader
from recado.ingress.clients import Clients
from recado.ingress.directory import Directory
from recado.ingress.http import create_app
from recado.ingress.limits import ByteBudget
from recado.ingress.link import KafkaLink
from recado.ingress.reception import Reception
from recado.ingress.rejections import Rejections
from recado.ingress.repeats import Repeats
from recado.ingress.server import HttpServer
from recado.ingress.settings import IngressSettings
from recado.schemas.events import MessageReceived, StatusReported, WebhookReceived
from recado.schemas.ids import fresh_id
from recado.schemas.topics import MESSAGES, STATUSES, WEBHOOKS, Topic
from recado.servicekit.accounts import tell_of_version
from recado.servicekit.exposition import exposition
from recado.servicekit.health import Health

READS: tuple[Topic, ...] = ()
WRITES = (WEBHOOKS, MESSAGES, STATUSES)

log = structlog.stdlib.get_logger(__name__)


class App:
    """A `recado.servicekit.service.Service`."""

    def __init__(self, settings: IngressSettings) -> None:
        """Raises `InvalidIntegrations`."""
        self._settings = settings
        self._directory = Directory(CHANNELS)
        admission = Admission(Clients(settings.trusted_networks()))
        self._accounts = Accounts(
            IntegrationsFile(
                settings.integrations_file, os.environ, interval=settings.integrations_interval
            ),
            (self._directory.replace, admission.replace),
            tell_of_version,
        )
        self._link = KafkaLink(
            settings,
            max_waiting=settings.max_requests_waiting,
            failures_until_shut=settings.failures_until_shut,
            publish_timeout=settings.publish_timeout,
            probe_interval=settings.kafka_probe_interval,
        )
        largest = {one.platform: settings.max_body(one) for one in CHANNELS.values()}
        self._rejections = Rejections(
            self._link.outbox,
            per_second=settings.rejections_per_second,
            burst=settings.rejections_burst,
        )
        self.reception = Reception(
            directory=self._directory,
            admission=admission,
            bodies=BodyReader(
                max_body=largest.__getitem__,
                budget=ByteBudget(settings.max_body_bytes_held),
                timeout=settings.body_timeout,
            ),
            outbox=self._link.outbox,
            rejections=self._rejections,
            repeats=Repeats(
                most=settings.repeats_most,
                age=settings.repeats_age,
                patience=settings.publish_timeout,
            ),
            retry_after=settings.retry_after,
            clock=lambda: datetime.now(UTC),
            new_id=fresh_id,
        )
        self.health = Health(
            {"kafka": self._link.problem, "integrations": self._no_accounts},
            exposition(
                "ingress",
                publishes=(WebhookReceived, MessageReceived, StatusReported),
                platforms=tuple(CHANNELS),
            ),
            warnings={"integrations": self._accounts.warning},
        )
        self.server = HttpServer(
            create_app(self.reception, self.health),
            host=settings.host,
            port=settings.port,
            head_timeout=settings.head_timeout,
            drain_timeout=settings.drain_timeout,
            max_connections=settings.max_connections,
            retry_after=settings.retry_after,
        )
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Serve. Kafka need not be there: until it is, requests get 503."""
        self._tasks = [
            asyncio.create_task(self._link.run(), name="kafka-link"),
            asyncio.create_task(self._rejections.run(), name="rejections"),
            asyncio.create_task(self._accounts.run(), name="integrations"),
        ]
        await self.server.start()
        log.info("ingress.listening", host=self._settings.host, port=self.server.port)

    async def stop(self) -> None:
        """Readiness off, open requests answered, rejections written, then Kafka closed."""
        self.health.stopping = True
        await asyncio.sleep(self._settings.drain_delay.total_seconds())
        await self.server.stop()
        if self._tasks:
            await self._rejections.drain(self._settings.publish_timeout)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._link.close()

    async def failed(self) -> BaseException:
        """Return what ended a part that never should end."""
        parts = [*self._tasks, asyncio.create_task(self.server.ended(), name="http-ended")]
        try:
            done, _ = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
        finally:
            parts[-1].cancel()
        ended = next(iter(done))
        error = None if ended.cancelled() else ended.exception()
        return error or RuntimeError(f"{ended.get_name()} ended")

    async def _no_accounts(self) -> str | None:
        return "none enabled" if self._directory.is_empty else None
