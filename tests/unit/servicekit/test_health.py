"""Readiness names what is wrong; liveness asks nobody."""

import asyncio

import httpx
import pytest
from starlette.applications import Starlette

from recado.servicekit import health as module
from recado.servicekit import metrics
from recado.servicekit.health import Health, HealthServer, routes


async def _fine() -> str | None:
    return None


async def _wrong() -> str | None:
    return "no broker"


async def _raises() -> str | None:
    raise ConnectionError("secret address")


async def _hangs() -> str | None:
    await asyncio.sleep(60)
    return None


async def _get(health: Health, path: str) -> httpx.Response:
    transport = httpx.ASGITransport(Starlette(routes=routes(health)))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        return await http.get(path)


async def test_ready_when_every_check_is_content() -> None:
    response = await _get(Health({"kafka": _fine}), "/readyz")
    assert response.status_code == 200


async def test_not_ready_says_which_check_and_why() -> None:
    response = await _get(Health({"kafka": _wrong, "mongodb": _fine}), "/readyz")
    assert response.status_code == 503
    assert response.json()["problems"] == {"kafka": "no broker"}


async def test_a_warning_is_told_and_keeps_nobody_from_working() -> None:
    response = await _get(Health({"kafka": _fine}, warnings={"file": _wrong}), "/readyz")
    assert response.status_code == 200
    assert response.json() == {
        "status": "ready",
        "problems": {},
        "warnings": {"file": "no broker"},
    }


async def test_a_check_that_fails_or_hangs_is_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    from datetime import timedelta

    monkeypatch.setattr(module, "CHECK_TIMEOUT", timedelta(milliseconds=50))
    response = await _get(Health({"a": _raises, "b": _hangs}), "/readyz")
    assert response.json()["problems"] == {"a": "ConnectionError", "b": "no answer in time"}


async def test_alive_whatever_the_dependencies_say() -> None:
    response = await _get(Health({"kafka": _wrong}), "/healthz")
    assert response.status_code == 200


async def test_stuck_is_said_by_liveness_with_its_reason() -> None:
    """And by nothing else: readiness has checks of its own."""
    health = Health({"kafka": _fine}, stuck=lambda: "no poll for 61 s")
    response = await _get(health, "/healthz")
    assert response.status_code == 503
    assert response.json()["problem"] == "no poll for 61 s"
    assert (await _get(health, "/readyz")).status_code == 200


async def test_a_stopping_service_is_left_to_stop() -> None:
    """Killed by a probe, it would not commit what it has done."""
    health = Health(stuck=lambda: "no poll for 61 s")
    health.stopping = True
    assert (await _get(health, "/healthz")).status_code == 200


async def test_a_stopping_service_is_not_ready() -> None:
    health = Health({"kafka": _fine})
    health.stopping = True
    assert (await _get(health, "/readyz")).status_code == 503


async def test_metrics_are_exposed() -> None:
    metrics.WEBHOOKS.labels("whatsapp", "accepted", "200").inc()
    response = await _get(Health(), "/metrics")
    assert "recado_webhooks_total" in response.text


async def test_the_server_says_at_once_that_its_port_is_taken() -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        server = HealthServer(Health(), "127.0.0.1", taken.getsockname()[1])
        with pytest.raises(OSError, match=r"[Aa]ddress already in use"):
            await server.start()
