"""`/healthz`, `/readyz` and `/metrics`.

Liveness says that the process turns: its event loop, for else nothing is answered, and in a
consumer the loop that polls. It asks no dependency, so that an outage of Kafka or MongoDB does not
restart every pod. Readiness says whether the service can work now, and why not.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog
import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request

log = structlog.stdlib.get_logger(__name__)

CHECK_TIMEOUT = timedelta(seconds=2)

Check = Callable[[], Awaitable[str | None]]
"""A readiness check: None when all is well, else what is wrong, in a few words."""


def _turns() -> str | None:
    return None


class Health:
    """The readiness checks of a service, by name, and what it exposes on `/metrics`."""

    def __init__(
        self,
        checks: Mapping[str, Check] | None = None,
        exposed: CollectorRegistry = REGISTRY,
        stuck: Callable[[], str | None] = _turns,
        warnings: Mapping[str, Check] | None = None,
    ) -> None:
        """`exposed` is the service's `exposition`; by default everything that there is.

        `warnings` are checks whose findings readiness only tells: the service works all the same.
        `stuck` says what only a restart mends, None while there is no such thing. It must depend on
        nothing outside of the process.
        """
        self._checks = dict(checks or {})
        self._warnings = dict(warnings or {})
        self._stuck = stuck
        self.exposed = exposed
        self.stopping = False

    def add(self, name: str, check: Check) -> None:
        """Add a check. It is given `CHECK_TIMEOUT`."""
        self._checks[name] = check

    def stuck(self) -> str | None:
        """What only a restart mends; None while the process turns, and once it is about to end."""
        return None if self.stopping else self._stuck()

    async def problems(self) -> dict[str, str]:
        """What keeps the service from working, by check; empty when it is ready."""
        if self.stopping:
            return {"service": "stopping"}
        return await self._found(self._checks)

    async def warnings(self) -> dict[str, str]:
        """What is wrong and keeps nobody from working, by check."""
        return await self._found(self._warnings)

    async def _found(self, checks: Mapping[str, Check]) -> dict[str, str]:
        results = await asyncio.gather(*(self._ask(check) for check in checks.values()))
        return {name: found for name, found in zip(checks, results, strict=True) if found}

    async def _ask(self, check: Check) -> str | None:
        try:
            async with asyncio.timeout(CHECK_TIMEOUT.total_seconds()):
                return await check()
        except TimeoutError:
            return "no answer in time"
        except Exception as error:  # noqa: BLE001 - a check that fails is an answer, not a crash
            return type(error).__name__


def routes(health: Health) -> list[Route]:
    """The three routes, for an app of one's own."""

    async def healthz(_request: "Request") -> Response:
        problem = health.stuck()
        if problem is None:
            return JSONResponse({"status": "alive"})
        log.error("health.stuck", problem=problem)
        return JSONResponse({"status": "stuck", "problem": problem}, status_code=503)

    async def readyz(_request: "Request") -> Response:
        problems = await health.problems()
        status = "not ready" if problems else "ready"
        body = {"status": status, "problems": problems, "warnings": await health.warnings()}
        return JSONResponse(body, status_code=503 if problems else 200)

    async def metrics(_request: "Request") -> Response:
        return Response(generate_latest(health.exposed), media_type=CONTENT_TYPE_LATEST)

    return [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)]


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers: the service decides when it stops."""

    @contextmanager
    def capture_signals(self) -> "Iterator[None]":
        """Leave signals alone."""
        yield


class HealthServer:
    """Serves a consumer's health on its HTTP port, beside its work."""

    def __init__(self, health: Health, host: str, port: int) -> None:
        self.health = health
        config = uvicorn.Config(
            Starlette(routes=routes(health)),
            host=host,
            port=port,
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=2,
        )
        self._server = _Server(config)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen. Raises OSError where the port is taken."""
        config = self._server.config
        listener = socket.create_server((config.host, config.port))
        self._task = asyncio.create_task(self._server.serve(sockets=[listener]), name="health")

    async def stop(self) -> None:
        """Answer what was asked, then close."""
        if self._task is not None:
            self._server.should_exit = True
            await self._task
