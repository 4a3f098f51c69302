"""Wires the stand-ins together: one application, one set of records."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import httpx
from starlette.applications import Starlette
from starlette.routing import Mount

from recado.devstack.standins.calls import Endpoint, StandIn
from recado.devstack.standins.config import Config
from recado.devstack.standins.control import Control
from recado.devstack.standins.customers import Customers
from recado.devstack.standins.faults import Faults
from recado.devstack.standins.gemini import Gemini
from recado.devstack.standins.records import Journal
from recado.devstack.standins.statuses import StatusSender
from recado.devstack.standins.telegram import Telegram
from recado.devstack.standins.whatsapp import WhatsApp


def _utc_now() -> datetime:
    return datetime.now(UTC)


def create_app(
    config: Config,
    *,
    clock: Callable[[], datetime] = _utc_now,
    webhook_transport: httpx.AsyncBaseTransport | None = None,
) -> Starlette:
    """The application. Status webhooks are posted while its lifespan runs.

    `webhook_transport` takes the place of the network for those posts.
    """
    started = clock()
    journal = Journal(config.bounds)
    faults = Faults()
    customers = Customers(config.customers, now=started)
    # Proxies of the environment are for the outside world, which this is not.
    client = httpx.AsyncClient(transport=webhook_transport, trust_env=False)
    statuses = StatusSender(config.whatsapp, client)
    whatsapp = WhatsApp(config.whatsapp, customers=customers, journal=journal, statuses=statuses)
    telegram = Telegram(config.telegram, customers=customers, journal=journal, started=started)
    gemini = Gemini(config.gemini)
    control = Control(
        journal=journal,
        faults=faults,
        customers=customers,
        statuses=statuses,
        gemini=gemini,
        clock=clock,
    )

    def endpoint(stand_in: StandIn) -> Endpoint:
        return Endpoint(stand_in, journal=journal, faults=faults, clock=clock)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with client, asyncio.TaskGroup() as tasks:
            sender = tasks.create_task(statuses.run())
            try:
                yield
            finally:
                sender.cancel()

    return Starlette(
        routes=[
            Mount("/graph", app=endpoint(whatsapp)),
            Mount("/telegram", app=endpoint(telegram)),
            Mount("/gemini", app=endpoint(gemini)),
            Mount("/control", routes=control.routes()),
        ],
        lifespan=lifespan,
    )
