"""Start, readiness and stop of the process."""

import asyncio
from pathlib import Path

import pytest

from recado.devstack.stack.ports import free_port
from support.ingress import INTEGRATIONS, Ingress, body, change, message, run_ingress, start_process

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


async def test_what_is_under_way_when_it_is_stopped_is_answered(ingress: Ingress) -> None:
    async def post(number: int) -> int:
        content = body([change(*(message(f"346{number:08}") for _ in range(100)))])
        return (await ingress.post(content)).status_code

    async with asyncio.TaskGroup() as tasks:
        posts = [tasks.create_task(post(number)) for number in range(20)]
        await asyncio.wait(posts, return_when=asyncio.FIRST_COMPLETED)
        assert await ingress.stop() == 0

    assert {one.result() for one in posts} == {200}
