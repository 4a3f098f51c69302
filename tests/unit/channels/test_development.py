"""Development mode: what counts as coming from this machine."""

import pytest

from recado.channels.contract import WebhookRequest
from recado.channels.development import is_local


def request(client: str, **headers: str) -> WebhookRequest:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return WebhookRequest(headers=named, query={}, body=b"", client_host=client)


@pytest.mark.parametrize("client", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
def test_loopback_is_local(client: str) -> None:
    assert is_local(request(client))


@pytest.mark.parametrize(
    "client", ["10.0.0.1", "203.0.113.5", "::ffff:10.0.0.1", "2001:db8::1", "", "localhost", "127"]
)
def test_anything_else_is_not(client: str) -> None:
    assert not is_local(request(client))


@pytest.mark.parametrize("header", ["x_forwarded_for", "forwarded", "x_real_ip", "via"])
def test_a_request_that_a_tunnel_handed_on_is_not_local(header: str) -> None:
    assert not is_local(request("127.0.0.1", **{header: "127.0.0.1"}))
