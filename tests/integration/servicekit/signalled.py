"""A consumer service to be sent signals: says on its standard output what becomes of each record.

Arguments: bootstrap servers, topic, a file. A record `wait` is done when the file is there, a
record `hang` never, any other at once. It commits on its way out only, and would drain for minutes.
"""

import asyncio
import sys
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

from prometheus_client import CollectorRegistry

from recado.servicekit import logs, service
from recado.servicekit.consumer import ConsumerService
from recado.servicekit.consuming import LaneMetrics
from recado.servicekit.kafka import make_broker
from recado.servicekit.settings import ConsumerSettings
from recado_lanes import LaneOptions, Record
from recado_lanes.faststream import attach, serve
from recado_lanes.kafka import GroupOptions
from recado_lanes.testing import FakeDeadLetters


def say(what: str, value: str) -> None:
    print(what, value, flush=True)


class App(ConsumerService):
    """A consumer of that topic."""

    def __init__(self, bootstrap: str, topic: str, file: Path) -> None:
        settings = ConsumerSettings(kafka_bootstrap_servers=bootstrap)
        metrics = LaneMetrics()
        self._file = file
        self._broker = make_broker(settings, "signalled")
        self._lanes = attach(
            self._broker,
            handlers={topic: self._handle},
            dead_letters=FakeDeadLetters(),
            group=GroupOptions(group_id=topic, rebalance_timeout=timedelta(minutes=10)),
            options=LaneOptions(
                service="signalled",
                commit_interval=timedelta(hours=1),
                drain_budget=timedelta(minutes=5),
            ),
            observer=metrics,
        )
        metrics.watch(self._lanes)
        super().__init__(settings, metrics, {}, CollectorRegistry())

    async def open_parts(self, parts: AsyncExitStack) -> None:
        parts.callback(say, "closed", "parts")

    async def consume(
        self, parts: AsyncExitStack, until: asyncio.Event, at_once: asyncio.Event
    ) -> None:
        await serve(self._broker, self._lanes, until, at_once=at_once)

    async def _handle(self, record: Record) -> None:
        value = (record.value or b"").decode()
        say("begun", value)
        try:
            while value == "hang" or (value == "wait" and not self._file.exists()):  # noqa: ASYNC110 - another process makes it
                await asyncio.sleep(0.01)
        except asyncio.CancelledError:
            say("cancelled", value)
            raise
        say("done", value)


if __name__ == "__main__":
    logs.configure("signalled", "INFO", "json")
    sys.exit(service.run(lambda: App(sys.argv[1], sys.argv[2], Path(sys.argv[3]))))
