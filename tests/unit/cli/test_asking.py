"""`recado ask` against the control API of the stand-ins, in this process."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from recado.cli.asking import Asker, Reply, _steps
from recado.cli.output import CliError
from recado.cli.settings import CliSettings
from recado.cli.standins import StandIns
from recado.devstack.stack.integrations import integrations, write_private
from recado.devstack.stack.ports import Ports
from recado.devstack.standins.config import Bounds, GeminiConfig, WhatsAppConfig
from recado.devstack.standins.control import Control
from recado.devstack.standins.customers import Customers
from recado.devstack.standins.faults import Faults, Platform
from recado.devstack.standins.gemini import Gemini
from recado.devstack.standins.records import Journal, MessageRecord
from recado.devstack.standins.statuses import StatusSender
from recado.schemas import base
from support.examples import ANSWER_GENERATED

NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path: Path) -> CliSettings:
    file = tmp_path / "integrations.yaml"
    write_private(file, integrations(Ports()))
    return CliSettings(integrations_file=file)


def asker_of(settings: CliSettings, answer: Callable[[httpx.Request], httpx.Response]) -> Asker:
    return Asker(settings, None, httpx.AsyncClient(transport=httpx.MockTransport(answer)))


async def test_only_what_comes_after_the_question_is_its_reply(settings: CliSettings) -> None:
    """However many messages the stand-in has recorded: its lists have a thousand at most."""
    journal = Journal(Bounds())
    async with httpx.AsyncClient() as nobody:
        control = Control(
            journal=journal,
            faults=Faults(),
            customers=Customers((), now=NOW),
            statuses=StatusSender(WhatsAppConfig(access_tokens=("t",)), nobody),
            gemini=Gemini(GeminiConfig(api_keys=("k",))),
            clock=lambda: NOW,
        )
        app = Starlette(routes=[Mount("/control", routes=control.routes())])
        for index in range(1, 2502):
            journal.received(
                MessageRecord(
                    index, index, Platform.TELEGRAM, "bot", "123456", "before", str(index), NOW
                )
            )
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport) as http:
            assert await StandIns(settings.standins_url, http).newest_message() == 2501


async def test_a_refusal_of_the_stand_ins_is_told_as_one(settings: CliSettings) -> None:
    asking = asker_of(settings, lambda _: httpx.Response(422, text="not a number"))
    with pytest.raises(CliError, match=r"refused /control/customers with 422: not a number"):
        await asking.ask("Hola", base.Platform.WHATSAPP, customer="Ana")


async def test_another_server_in_the_place_of_the_stand_ins_is_told(settings: CliSettings) -> None:
    asking = asker_of(settings, lambda _: httpx.Response(200, text="<html>"))
    with pytest.raises(CliError, match="is not the platforms' stand-ins"):
        await asking.ask("Hola", base.Platform.WHATSAPP)


@pytest.mark.parametrize(
    ("question", "platform", "customer", "told"),
    [
        ("  ", base.Platform.WHATSAPP, None, "no words"),
        ("bad \udcff", base.Platform.WHATSAPP, None, "not UTF-8"),
        ("Hola", base.Platform.TELEGRAM, "abc", "number of a chat, not 'abc'"),
        ("Hola", base.Platform.TELEGRAM, "²", "number of a chat"),
    ],
)
async def test_what_can_not_be_asked_is_refused_before_anything_is_sent(
    settings: CliSettings, question: str, platform: base.Platform, customer: str | None, told: str
) -> None:
    def nothing_is_sent(request: httpx.Request) -> httpx.Response:
        raise AssertionError(request.url)

    with pytest.raises(CliError, match=told) as refused:
        await asker_of(settings, nothing_is_sent).ask(question, platform, customer=customer)
    assert refused.value.exit_status == 2


def test_a_reply_as_json_has_texts_sources_and_milliseconds() -> None:
    answer = ANSWER_GENERATED
    asked_at = answer.received_at
    steps = _steps(answer, timedelta(milliseconds=7), asked_at, asked_at + timedelta(seconds=2))
    reply = Reply(
        question="¿Por qué?",
        platform=base.Platform.WHATSAPP,
        customer="1234567890",
        conversation=answer.conversation,
        texts=("uno", "dos"),
        answer=answer,
        steps=steps,
    ).as_json()
    assert reply.keys() == {
        *("question", "platform", "conversation", "texts", "rung", "sources", "milliseconds")
    }
    assert reply["texts"] == ["uno", "dos"]
    assert reply["sources"] == [
        {"number": one.number, "title": one.title, "source": one.source, "page": one.page}
        for one in answer.citations
    ]
    milliseconds = reply["milliseconds"]
    assert isinstance(milliseconds, dict)
    assert milliseconds["webhook accepted, in Kafka"] == 7
    assert milliseconds["in all"] == 2000
