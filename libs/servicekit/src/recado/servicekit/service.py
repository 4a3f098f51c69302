"""Run a service until it is told to stop or one of its parts fails.

SIGTERM and SIGINT stop it in order: what is in hand is finished. A second signal ends it at once
and still in order: what is in hand is let go, what is done is committed. A third ends the process
there and then, with status 1. So does the second where there is nothing to hurry: while the service
starts, or if it is no `Hurrying` one. A part that fails ends the service with status 1, so that its
supervisor starts it anew.
"""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from typing import Protocol, runtime_checkable

import structlog

log = structlog.stdlib.get_logger(__name__)

EXIT_FAILED = 1


class Service(Protocol):
    """A service as `run` sees it."""

    async def start(self) -> None:
        """Begin to work; return when working."""

    async def stop(self) -> None:
        """Finish or hand back what is under way, then close. Called once, even after a failure."""

    async def failed(self) -> BaseException:
        """Return what broke the service, as soon as something did."""


@runtime_checkable
class Hurrying(Protocol):
    """A service whose `stop` can be told to wait for nothing more."""

    def hurry(self) -> None:
        """Let go of what is under way; `stop`, which may be running, then ends soon."""


def run(make: Callable[[], Service]) -> int:
    """Make the service and run it to the end; the exit status.

    It is made inside the event loop, which Kafka's clients ask for. What making it raises (a wrong
    configuration) is raised here.
    """
    return asyncio.run(_run(make))


async def _run(make: Callable[[], Service]) -> int:
    service = make()
    stop_asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    hurry: list[Callable[[], None]] = []

    def on_signal() -> None:
        if not stop_asked.is_set():
            stop_asked.set()
        elif hurry:
            log.warning("service.hurrying")
            hurry.pop()()
        else:
            os._exit(EXIT_FAILED)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    try:
        try:
            await service.start()
        except Exception as error:
            log.exception("service.start_failed", error=type(error).__name__)
            return EXIT_FAILED
        if isinstance(service, Hurrying):
            hurry.append(service.hurry)
        log.info("service.started")
        broken = await _first(stop_asked.wait, service.failed)
        if isinstance(broken, BaseException):
            log.error("service.failed", error=f"{type(broken).__name__}: {broken}")
            return EXIT_FAILED
        log.info("service.stopping")
        return 0
    finally:
        await service.stop()


async def _first(*waits: Callable[[], Awaitable[object]]) -> object:
    tasks = [asyncio.ensure_future(wait()) for wait in waits]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return next(iter(done)).result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
