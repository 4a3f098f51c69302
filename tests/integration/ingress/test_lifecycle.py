"""Start, readiness and stop of the process."""

import asyncio
import json
import uuid
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from recado.devstack.stack.ports import free_port
from recado.schemas.webhooks import MessageReceived
from support.ingress import (
    INTEGRATIONS,
    WHATSAPP,
    Ingress,
    body,
    change,
    message,
    run_ingress,
    sign,
    start_process,
)

NOBODY = f"127.0.0.1:{free_port()}"
"""An address where no Kafka is."""


@pytest.mark.parametrize(
    ("integrations", "said"),
    [
        (INTEGRATIONS.replace("${APP_SECRET}", "${NOT_SET}"), "app_secret"),
        (INTEGRATIONS.replace("    app_secret: ${APP_SECRET}\n", ""), "app_secret"),
        (INTEGRATIONS.replace("platform: telegram", "platform: carrier-pigeon"), "platform"),
        ("integrations: [", "not YAML"),
    ],
)
async def test_a_wrong_integrations_file_ends_it_with_78_naming_file_and_key(
    tmp_path: Path, integrations: str, said: str
) -> None:
    process = await start_process(NOBODY, tmp_path, integrations=integrations)
    async with asyncio.timeout(30):
        status = await process.wait()

    written = await asyncio.to_thread((tmp_path / "ingress.log").read_text)
    assert status == 78
    assert "integrations.yaml" in written
    assert said in written
    assert "Traceback" not in written


async def test_a_missing_setting_ends_it_with_78_naming_the_variable(tmp_path: Path) -> None:
    process = await start_process(NOBODY, tmp_path, publish_timeout="soon")
    async with asyncio.timeout(30):
        status = await process.wait()

    assert status == 78
    assert "RECADO_PUBLISH_TIMEOUT" in await asyncio.to_thread((tmp_path / "ingress.log").read_text)


async def test_without_kafka_it_is_alive_not_ready_and_answers_503(tmp_path: Path) -> None:
    async with run_ingress(NOBODY, tmp_path) as ingress:
        assert (await ingress.http.get("/healthz")).status_code == 200
        readiness = await ingress.http.get("/readyz")
        assert (readiness.status_code, readiness.json()["problems"]) == (
            503,
            {"kafka": "not connected"},
        )

        posted = await ingress.post(body([change(message("34600000001"))]))
        forged = await ingress.post({}, signature="wrong")

        assert posted.status_code == 503
        assert int(posted.headers["retry-after"]) >= 1
        assert forged.status_code == 401
        assert await ingress.stop() == 0


@dataclass
class Counted:
    """What clients saw of a process that is stopped under them."""

    port: int
    accepted: list[str] = field(default_factory=list)
    answers: Counter[int] = field(default_factory=Counter)
    unanswered: list[str] = field(default_factory=list)

    async def client(self, *, keep_alive: bool) -> None:
        """Post one message after the other until connections are refused."""
        while True:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except (ConnectionRefusedError, ConnectionResetError):
                return  # reset: it came as the socket was closed, and nothing was posted
            goes_on = True
            while goes_on:
                goes_on = await self._post(reader, writer, keep_alive=keep_alive) and keep_alive
            writer.close()

    async def _post(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, keep_alive: bool
    ) -> bool:
        text = uuid.uuid4().hex
        content = json.dumps(body([change(message("34600000001", text))])).encode()
        writer.write(
            f"POST {WHATSAPP} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(content)}\r\n"
            f"X-Hub-Signature-256: {sign(content)}\r\n"
            f"Connection: {'keep-alive' if keep_alive else 'close'}\r\n\r\n".encode()
            + content
        )
        try:
            async with asyncio.timeout(30):
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
                await reader.readexactly(length)
        except (OSError, EOFError) as lost:
            self.unanswered.append(type(lost).__name__)
            return False
        status = int(head.split()[1])
        self.answers[status] += 1
        if status == 200:
            self.accepted.append(text)
        return "connection: close" not in head


async def test_stopped_under_load_every_connection_gets_its_answer_and_no_200_is_lost(
    ingress: Ingress,
) -> None:
    counted = Counted(ingress.http.base_url.port or 0)
    async with asyncio.TaskGroup() as tasks:
        for number in range(16):
            tasks.create_task(counted.client(keep_alive=number % 2 == 0))
        async with asyncio.timeout(30):
            while counted.answers[200] < 300:  # noqa: ASYNC110 - it is counted in many places
                await asyncio.sleep(0.01)
        assert await ingress.stop() == 0

    assert counted.unanswered == []
    assert set(counted.answers) == {200}
    in_topic = {one.text for one in await ingress.events() if isinstance(one, MessageReceived)}
    assert set(counted.accepted) <= in_topic


async def test_what_is_under_way_when_it_is_stopped_is_answered(ingress: Ingress) -> None:
    async def post(number: int) -> int:
        content = body([change(*(message(f"346{number:08}") for _ in range(100)))])
        return (await ingress.post(content)).status_code

    async with asyncio.TaskGroup() as tasks:
        posts = [tasks.create_task(post(number)) for number in range(20)]
        await asyncio.wait(posts, return_when=asyncio.FIRST_COMPLETED)
        assert await ingress.stop() == 0

    assert {one.result() for one in posts} == {200}
