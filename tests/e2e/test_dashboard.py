"""The overview dashboard, asked of a real Prometheus that scrapes the running services."""

import asyncio
import math
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from recado.cli.index import submit
from recado.devstack.stack.integrations import TELEGRAM_SECRET_TOKEN, WHATSAPP_PHONE_NUMBER_ID
from recado.devstack.stack.integrations import WHATSAPP_APP_SECRET as APP_SECRET
from recado.devstack.stack.ports import free_port
from recado.devstack.stack.services import SERVICES, Service
from recado.devstack.webhooks import WebhookPost, WhatsAppText, telegram_post, whatsapp_post
from recado.schemas import topics
from support.dashboard import Asked, queries
from support.prometheus import Prometheus, Series, exposed
from support.world import World, eventually

WINDOW = "60s"
"""Of the rates: all scrapes of this test lie in it."""

KEY = "gemini-demo-key"
"""The stand-in's own."""

CUSTOMERS = 8
"""On each platform."""

MEASURED = {
    "Webhook to sent, p95",
    "Webhook requests by outcome",
    "Messages by platform",
    "Answers by rung",
    "Model's time",
    "Tokens a second",
    "Queries to embed",
    "Parts by outcome",
    "Documents by outcome",
    "Chunks embedded and stored",
    "Records by outcome",
    "Events published",
    "CPU",
    "Memory",
    "Versions",
    "Partitions by process",
    "Processes that answer",
}
"""Panels that must show more than zeros when messages and documents came."""


def posts(numbers: Sequence[str], chats: Sequence[int]) -> list[WebhookPost]:
    """One question of each customer."""
    question = "¿Por qué mi internet está lento?"
    return [
        *(
            whatsapp_post(
                [[WhatsAppText(number, question)]],
                phone_number_id=WHATSAPP_PHONE_NUMBER_ID,
                app_secret=APP_SECRET,
            )
            for number in numbers
        ),
        *(telegram_post(chat, question, secret_token=TELEGRAM_SECRET_TOKEN) for chat in chats),
    ]


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """The only document of a folder."""
    folder = tmp_path / "tablero"
    folder.mkdir()
    page = folder / "pagina.md"
    page.write_text("# Tablero\n\nUna página que solo existe un momento.\n", encoding="utf-8")
    return page


@pytest.fixture
async def with_a_model(world: World, tmp_path: Path) -> AsyncIterator[Service]:
    """A second rag process, which asks the stand-in for Gemini: generation has a time then."""
    rag = Service(
        "rag",
        tmp_path,
        port=free_port(),
        environment={
            **world.stack.environment,
            "RECADO_GEMINI_API_KEY": KEY,
            "RECADO_GEMINI_BASE_URL": f"{world.settings.standins_url}/gemini",
        },
    )
    await rag.start()
    try:
        yield rag
    finally:
        await rag.stop()


async def test_every_query_of_the_dashboard_has_data(
    world: World, with_a_model: Service, page: Path, tmp_path: Path
) -> None:
    """A number for each query: what happened is counted, what did not happen is 0, not missing."""
    targets = [(name, world.stack.service(name).url) for name in SERVICES]
    prometheus = Prometheus(tmp_path, [*targets, ("rag", with_a_model.url)])
    numbers, chats = await world.new_numbers(CUSTOMERS), await world.new_chats(CUSTOMERS)
    async with AsyncExitStack() as ending:
        ending.push_async_callback(prometheus.stop)
        await prometheus.start()

        async def all_scraped() -> bool:
            return sum(one.value for one in await prometheus.ask("up")) == len(SERVICES) + 1

        async def both_have_partitions() -> bool:
            return await exposed(with_a_model.url, "recado_assigned_partitions") > 0

        await eventually(all_scraped, "a scrape of every process")
        await eventually(both_have_partitions, "partitions for the second rag process")
        async with httpx.AsyncClient(timeout=20) as http:
            for post in posts(numbers, chats):
                assert (await world.post(http, post)).status_code == 200
        await index_and_withdraw(world, page)

        async def all_answered() -> bool:
            return {*numbers, *map(str, chats)} <= {
                str(one["chat"]) for one in await world.received()
            }

        await eventually(all_answered, "an answer for every customer")
        asked = list(queries())
        answers: dict[Asked, list[Series]] = {}

        async def all_have_data() -> bool:
            for query in asked:
                answers[query] = await prometheus.ask(query.filled_in(window=WINDOW))
            return all(has_data(query, answers[query]) for query in asked)

        try:
            await eventually(all_have_data, "data for every query", within=timedelta(seconds=15))
        finally:
            print(table(answers))


async def index_and_withdraw(world: World, page: Path) -> None:
    """A document comes and goes: nothing of it is left for other tests."""
    limit = timedelta(minutes=1)
    await submit(world.settings, [page.parent], wait=limit, quiet=True)
    await asyncio.to_thread(page.unlink)
    await submit(world.settings, [page.parent], wait=limit, quiet=True)


def has_data(query: Asked, found: list[Series]) -> bool:
    """A number at least; more than zeros where something must have been measured."""
    numbers = [one.value for one in found if not math.isnan(one.value)]
    if query.panel in MEASURED:
        return any(number > 0 for number in numbers)
    return bool(numbers)


def table(answers: dict[Asked, list[Series]]) -> str:
    """What each query gave: how many series, and the lowest and highest number."""
    lines = [f"{'panel':40} {'line':30} {'series':>6} {'lowest':>12} {'highest':>12}"]
    for query, found in answers.items():
        numbers = [one.value for one in found if not math.isnan(one.value)]
        lowest = f"{min(numbers):.4g}" if numbers else "–"
        highest = f"{max(numbers):.4g}" if numbers else "–"
        panel, line = query.panel[:40], query.legend[:30]
        lines.append(f"{panel:40} {line:30} {len(found):6} {lowest:>12} {highest:>12}")
    return "\n".join(lines)


async def test_no_service_exposes_what_only_another_has(world: World) -> None:
    """ingress has no answers, rag no sends, and so on; each says its own name and version."""
    async with httpx.AsyncClient(timeout=10) as http:
        pages = {
            name: (await http.get(f"{world.stack.service(name).url}/metrics")).text
            for name in SERVICES
        }
    of_one = {
        "ingress": "recado_webhooks_total",
        "rag": "recado_answers_total",
        "dispatcher": "recado_sends_total",
        "indexer": "recado_documents_indexed_total",
    }
    for service, page in pages.items():
        for owner, metric in of_one.items():
            assert (metric in page) == (owner == service), (service, metric)
        assert f'recado_build_info{{service="{service}",' in page
        assert ("recado_time_lag_seconds" in page) == (service != "ingress")
        for topic in topics.EVENT_TOPICS:
            read = f'recado_records_handled_total{{outcome="handled",topic="{topic.name}"}}'
            assert service != "indexer" or (read in page) == (topic is topics.DOCUMENTS)
