"""The Gemini adapter over a real socket: what a transport in memory can't show."""

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
from pydantic import SecretStr

from recado.devstack.stack.standins import StandIns
from recado.rag.errors import ModelUnavailable
from recado.rag.gemini import Gemini, GeminiOptions
from recado.rag.model import Prompt, PromptTurn

PROMPT = Prompt("v", "Responde.", (PromptTurn("user", "[1] «Página»\nReinicia el router."),))


@pytest.fixture
async def http(standins: StandIns) -> AsyncIterator[httpx.AsyncClient]:
    """A client; in the end the stand-in is well again."""
    async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
        yield client
        await client.delete(f"{standins.url}/control/faults")


def gemini(standins: StandIns, http: httpx.AsyncClient, timeout: timedelta) -> Gemini:
    """The adapter before the stand-in."""
    options = GeminiOptions(
        model="gemini-3.8-flash", base_url=f"{standins.url}/gemini", timeout=timeout
    )
    return Gemini(SecretStr("gemini-demo-key"), options, http)


async def fault(standins: StandIns, http: httpx.AsyncClient, **fault: object) -> None:
    """Let the stand-in have a fault."""
    (await http.put(f"{standins.url}/control/faults/gemini", json=fault)).raise_for_status()


async def test_a_connection_that_is_dropped_is_tried_again(
    standins: StandIns, http: httpx.AsyncClient
) -> None:
    await fault(standins, http, kind="drop", count=1)
    answered = await gemini(standins, http, timedelta(seconds=20)).generate(PROMPT)
    assert answered.text.endswith("[1]")


async def test_a_model_that_accepts_and_never_answers_is_given_up_at_the_deadline(
    standins: StandIns, http: httpx.AsyncClient
) -> None:
    patient = gemini(standins, http, timedelta(seconds=1))
    await patient.load()
    await fault(standins, http, kind="hang")
    with pytest.raises(ModelUnavailable):
        await patient.generate(PROMPT)


async def test_a_server_that_is_not_there_is_unavailable(http: httpx.AsyncClient) -> None:
    options = GeminiOptions(
        model="gemini-3.8-flash",
        base_url="http://127.0.0.1:9",
        timeout=timedelta(seconds=5),
        attempts=1,
    )
    with pytest.raises(ModelUnavailable, match="ConnectError"):
        await Gemini(SecretStr("k"), options, http).generate(PROMPT)
