"""The integrations file of a running process: other accounts, networks, rates, secrets."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from recado.devstack.stack.kafka import ApacheKafka, ExternalKafka
from recado.servicekit import topics
from recado.servicekit.settings import KafkaSettings
from support.ingress import INTEGRATIONS, SECRET_TOKEN, WHATSAPP, Ingress, run_ingress, sign

BODY = b'{"object":"whatsapp_business_account","entry":[]}'
NEW_SECRET = "the-secret-after-the-rotation"


@pytest.fixture
async def ingress(kafka: ApacheKafka | ExternalKafka, tmp_path: Path) -> AsyncIterator[Ingress]:
    await topics.apply(KafkaSettings(kafka_bootstrap_servers=kafka.bootstrap))
    settings = {"integrations_interval": "0.05", "trusted_proxies": "127.0.0.0/8"}
    async with run_ingress(kafka.bootstrap, tmp_path, **settings) as running:
        await running.until_ready()
        yield running


async def rewrite(ingress: Ingress, text: str) -> None:
    """A new version of the file, as an editor writes it."""
    file = ingress.log.with_name("integrations.yaml")
    await asyncio.to_thread(file.write_text, text)


async def until(ingress: Ingress, said: str, *, times: int = 1) -> None:
    """Wait until the log has said so that many times."""
    async with asyncio.timeout(20):
        while True:
            if (await asyncio.to_thread(ingress.log.read_text)).count(said) >= times:
                return
            await asyncio.sleep(0.02)


async def post(ingress: Ingress, signature: str, **headers: str) -> httpx.Response:
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    return await ingress.http.post(
        WHATSAPP, content=BODY, headers={"X-Hub-Signature-256": signature} | headers
    )


async def test_a_secret_is_rotated_without_a_restart_and_none_is_printed(ingress: Ingress) -> None:
    old, new = sign(BODY), sign(BODY, NEW_SECRET)
    both = INTEGRATIONS.replace(
        "    verify_token", f"    app_secrets: [{NEW_SECRET}]\n    verify_token"
    )
    assert [(await post(ingress, one)).status_code for one in (old, new)] == [200, 401]

    await rewrite(ingress, both)
    await until(ingress, "integrations.loaded")
    assert [(await post(ingress, one)).status_code for one in (old, new)] == [200, 200]

    await rewrite(ingress, INTEGRATIONS.replace("${APP_SECRET}", NEW_SECRET))
    await until(ingress, "integrations.loaded", times=2)
    assert [(await post(ingress, one)).status_code for one in (old, new)] == [401, 200]
    assert NEW_SECRET not in await asyncio.to_thread(ingress.log.read_text)


async def test_a_bad_version_keeps_the_old_one_and_log_metric_and_readiness_say_so(
    ingress: Ingress,
) -> None:
    await rewrite(ingress, INTEGRATIONS.replace("bot_token:", "bot_tokn:"))
    await until(ingress, "integrations.refused")

    readiness = await ingress.http.get("/readyz")
    assert readiness.status_code == 200
    said = readiness.json()["warnings"]["integrations"]
    assert "an older version is in use; integrations.yaml:" in said
    assert "bot_tok" in said
    assert "recado_integrations_outdated 1.0" in (await ingress.http.get("/metrics")).text
    assert (await post(ingress, sign(BODY))).status_code == 200
    shown = json.dumps(readiness.json()) + await asyncio.to_thread(ingress.log.read_text)
    assert SECRET_TOKEN not in shown
    assert "1:token" not in shown

    await rewrite(ingress, INTEGRATIONS + "    requests_burst: 7\n")
    await until(ingress, "integrations.loaded")
    assert (await ingress.http.get("/readyz")).json()["warnings"] == {}
    assert "recado_integrations_outdated 0.0" in (await ingress.http.get("/metrics")).text


async def test_networks_hold_by_what_the_trusted_proxy_says(ingress: Ingress) -> None:
    fenced = INTEGRATIONS.replace(
        "    verify_token", "    allowed_networks: [203.0.113.0/24]\n    verify_token"
    )
    await rewrite(ingress, fenced)
    await until(ingress, "integrations.loaded")

    direct = await post(ingress, sign(BODY))
    inside = await post(ingress, sign(BODY), X_Forwarded_For="1.2.3.4, 203.0.113.9")
    claimed = await post(ingress, sign(BODY), X_Forwarded_For="203.0.113.9, 1.2.3.4")

    assert [one.status_code for one in (direct, inside, claimed)] == [403, 200, 403]


async def test_beyond_its_rate_an_integration_is_429(ingress: Ingress) -> None:
    slow = INTEGRATIONS.replace(
        "    verify_token",
        "    requests_per_second: 0.01\n    requests_burst: 2\n    verify_token",
    )
    await rewrite(ingress, slow)
    await until(ingress, "integrations.loaded")

    answers = [await post(ingress, sign(BODY)) for _ in range(3)]

    assert [one.status_code for one in answers] == [200, 200, 429]
    assert 90 <= int(answers[-1].headers["retry-after"]) <= 100
