"""The stand-ins as they are run: their own process, a real port, real connections."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

PATH = "/graph/v26.0/100000000000001/messages"
BOT = "/telegram/bot7000000001:telegram-demo-token-of-the-stand-in"
HELLO = {"chat_id": 123456, "text": "Hola"}


@asynccontextmanager
async def stand_ins(*arguments: str) -> AsyncIterator[tuple[str, asyncio.subprocess.Process]]:
    """The process and its address; ended when left."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "recado.devstack.standins", "--port", "0", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(30):
            line = (await process.stdout.readline()).decode()
        address = re.search(r"http://\S+", line)
        assert address is not None, line
        yield address.group(), process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.fixture
async def address() -> AsyncIterator[str]:
    async with stand_ins() as (url, _):
        yield url


@pytest.fixture
async def client(address: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=address, trust_env=False, timeout=10) as client:
        yield client


async def test_a_message_is_received(client: httpx.AsyncClient) -> None:
    body = {"messaging_product": "whatsapp", "to": "1234567890", "text": {"body": "Hola"}}
    headers = {"Authorization": "Bearer whatsapp-demo-token"}
    assert (await client.post(PATH, json=body, headers=headers)).status_code == 200
    found = (await client.get("/control/messages", params={"wait": 10})).json()["messages"]
    assert [message["text"] for message in found] == ["Hola"]


async def test_a_dropped_connection_closes_before_a_byte_of_an_answer(
    client: httpx.AsyncClient,
) -> None:
    await client.put("/control/faults/telegram", json={"kind": "drop", "count": 1})
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        await client.post(f"{BOT}/sendMessage", json=HELLO)
    assert (await client.get("/control/messages")).json()["messages"] == []
    assert (await client.post(f"{BOT}/sendMessage", json=HELLO)).status_code == 200


async def test_a_request_that_hangs_is_accepted_and_times_out(client: httpx.AsyncClient) -> None:
    await client.put("/control/faults/telegram", json={"kind": "hang", "count": 1})
    with pytest.raises(httpx.ReadTimeout):
        await client.post(f"{BOT}/sendMessage", json=HELLO, timeout=0.5)
    (message,) = (await client.get("/control/messages")).json()["messages"]
    assert message["answered"] is False


async def test_a_sigterm_ends_it_though_a_request_hangs_and_nothing_is_said_of_tokens(
    tmp_path: Path,
) -> None:
    config = tmp_path / "stand-ins.yaml"
    config.write_text("customers: [{platform: telegram, chat: 123456}]\n")
    async with (
        stand_ins("--config", os.fspath(config)) as (url, process),
        httpx.AsyncClient(base_url=url, trust_env=False, timeout=30) as client,
    ):
        await client.put("/control/faults/telegram", json={"kind": "hang"})
        hanging = asyncio.ensure_future(client.post(f"{BOT}/sendMessage", json=HELLO))
        messages = await client.get("/control/messages", params={"wait": 10})
        assert len(messages.json()["messages"]) == 1
        process.send_signal(signal.SIGTERM)
        with pytest.raises(httpx.HTTPError):
            await hanging
        async with asyncio.timeout(20):
            out, err = await process.communicate()
        assert "telegram-demo-token" not in (out + err).decode()


async def test_a_file_that_can_not_be_read_ends_it_with_an_error(tmp_path: Path) -> None:
    config = tmp_path / "stand-ins.yaml"
    config.write_text("whatsap: {}\n")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "recado.devstack.standins", "--config", os.fspath(config)),
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(30):
        _, err = await process.communicate()
    assert process.returncode != 0
    assert b"whatsap" in err
