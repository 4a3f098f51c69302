"""The HTTP surface: addresses, methods, headers and what OpenAPI says of them."""

from collections.abc import AsyncIterator

import httpx
import pytest

from recado.ingress.answers import Answer
from recado.ingress.http import create_app
from recado.ingress.reception import Reception, Visit
from recado.servicekit import tracing
from recado.servicekit.health import Health


class Noting(Reception):
    """Answers everything alike and notes what it was asked."""

    def __init__(self) -> None:
        self.visits: list[tuple[Visit, bytes]] = []
        self.answer = Answer(200, "accepted", b"{}")

    async def receive(self, visit: Visit) -> Answer:
        self.visits.append((visit, b"".join([chunk async for chunk in visit.body])))
        return self.answer

    async def verify(self, visit: Visit) -> Answer:
        self.visits.append((visit, b""))
        return Answer(200, "verified", b"42", media_type="text/plain")

    async def refuse_method(self, visit: Visit) -> Answer:
        return Answer(405, "rejected", b"{}", headers={"Allow": "POST"})


@pytest.fixture
def reception() -> Noting:
    return Noting()


@pytest.fixture
async def client(reception: Noting) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(reception, Health())
    transport = httpx.ASGITransport(app, client=("192.0.2.1", 1234))
    async with httpx.AsyncClient(transport=transport, base_url="http://ingress") as client:
        yield client


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("path", "platform", "integration"),
    [("whatsapp", "whatsapp", None), ("telegram/bot-1", "telegram", "bot-1")],
)
async def test_addresses_work_with_and_without_the_slash_at_the_end(
    client: httpx.AsyncClient,
    reception: Noting,
    slash: str,
    method: str,
    path: str,
    platform: str,
    integration: str | None,
) -> None:
    response = await client.request(method, f"/api/integrations/webhooks/{path}{slash}")

    assert response.status_code == 200
    ((visit, _),) = reception.visits
    assert (visit.platform, visit.integration) == (platform, integration)


@pytest.mark.parametrize("path", ["", "/", "//", "/whatsapp//", "/whatsapp/bot/more", "//bot"])
async def test_what_only_begins_like_an_address_is_none(
    client: httpx.AsyncClient, reception: Noting, path: str
) -> None:
    response = await client.post(f"/api/integrations/webhooks{path}")

    assert response.status_code == 404
    assert reception.visits == []


async def test_head_asks_what_get_answers(client: httpx.AsyncClient, reception: Noting) -> None:
    response = await client.head("/api/integrations/webhooks/whatsapp/?a=1&a=2&b=")

    assert response.headers["content-length"] == "2"
    ((visit, _),) = reception.visits
    assert visit.query == {"a": "2", "b": ""}


async def test_a_request_comes_through_as_it_was_sent(
    client: httpx.AsyncClient, reception: Noting
) -> None:
    body = b'{ "not" :\n"reformatted" \xff'
    await client.post(
        "/api/integrations/webhooks/whatsapp/?a=1",
        content=body,
        headers={b"X-Signature": "ä".encode("latin-1"), b"X-Forwarded-For": b"198.51.100.7"},
    )

    ((visit, read),) = reception.visits
    assert read == body
    assert visit.headers["x-signature"] == "ä"
    assert visit.query == {"a": "1"}
    assert visit.client_host == "192.0.2.1"


async def test_an_answer_goes_out_with_its_status_headers_and_type(
    client: httpx.AsyncClient, reception: Noting
) -> None:
    reception.answer = Answer(503, "unavailable", b'{"status":"unavailable"}', headers={"X-A": "b"})

    response = await client.post("/api/integrations/webhooks/whatsapp/")

    assert response.status_code == 503
    assert response.headers["x-a"] == "b"
    assert response.headers["content-type"] == "application/json"
    assert response.json() == {"status": "unavailable"}


async def test_a_trace_that_the_sender_claims_is_not_taken_over() -> None:
    traces: list[str | None] = []

    class Tracing(Noting):
        async def receive(self, visit: Visit) -> Answer:
            with tracing.span("test"):
                traces.append(tracing.traceparent())
            return self.answer

    tracing.configure("ingress-test")
    claimed = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    transport = httpx.ASGITransport(create_app(Tracing(), Health()))
    async with httpx.AsyncClient(transport=transport, base_url="http://ingress") as client:
        await client.post("/api/integrations/webhooks/whatsapp/", headers={"traceparent": claimed})

    (trace,) = traces
    assert trace is not None
    assert claimed.split("-")[1] not in trace


async def test_other_methods_are_405(client: httpx.AsyncClient) -> None:
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "BREW"):
        response = await client.request(method, "/api/integrations/webhooks/whatsapp/")
        assert (response.status_code, response.headers["allow"]) == (405, "POST")


async def test_of_a_header_that_is_there_twice_the_first_counts_but_hops_are_one_list(
    client: httpx.AsyncClient, reception: Noting
) -> None:
    """A proxy may add a line of its own behind the one that the client wrote."""
    headers = [
        ("X-Forwarded-For", "1.2.3.4"),
        ("X-Forwarded-For", "5.6.7.8"),
        ("A", "1"),
        ("A", "2"),
    ]
    await client.post("/api/integrations/webhooks/whatsapp/", headers=headers)

    ((visit, _),) = reception.visits
    assert visit.headers["x-forwarded-for"] == "1.2.3.4,5.6.7.8"
    assert visit.headers["a"] == "1"


async def test_openapi_lists_each_address_once_with_its_answers(client: httpx.AsyncClient) -> None:
    paths = (await client.get("/openapi.json")).json()["paths"]

    webhooks = {path: set(methods) for path, methods in paths.items() if "webhooks" in path}
    assert webhooks == {
        "/api/integrations/webhooks/{platform}/": {"get", "post"},
        "/api/integrations/webhooks/{platform}/{integration}/": {"get", "post"},
    }
    post = paths["/api/integrations/webhooks/{platform}/"]["post"]
    assert set(post["responses"]) >= {"200", "401", "404", "413", "415", "503"}
    assert [one["name"] for one in post["parameters"]] == ["platform"]


async def test_health_and_documentation_are_served(client: httpx.AsyncClient) -> None:
    for path in ("/healthz", "/readyz", "/metrics", "/docs"):
        assert (await client.get(path)).status_code == 200
