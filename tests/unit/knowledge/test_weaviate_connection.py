"""Addresses, and what of the client's words may be seen."""

import logging

import pytest
from pydantic import SecretStr

from recado.knowledge.weaviate_address import Endpoint, WeaviateAddress
from recado.knowledge.weaviate_connection import Connection, WeaviateLimits


@pytest.mark.parametrize(
    "url",
    [
        *("127.0.0.1:8080", "ftp://host:1", "http://", "", "http://host:port", "http://host:99999"),
        *("https://host/weaviate", "http://host:80?a=b", "http://ana:clave@host:80", "http://[::1"),
    ],
)
def test_an_address_that_is_none_is_refused_at_once(url: str) -> None:
    good = "http://127.0.0.1:50051"
    for address in (WeaviateAddress(url, good), WeaviateAddress(good, url)):
        with pytest.raises(ValueError, match="address of Weaviate") as refused:
            Connection(address, WeaviateLimits(), "RecadoPassage")
        assert "clave" not in str(refused.value)


def test_one_address_for_both_sides_is_refused_at_once() -> None:
    """The client would only refuse it when it connects."""
    with pytest.raises(ValueError, match="addresses of their own"):
        Connection(WeaviateAddress("http://a:1", "http://a:1"), WeaviateLimits(), "RecadoPassage")


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [
        ("https://weaviate.example.com", Endpoint("weaviate.example.com", 443, secure=True)),
        ("http://[::1]:8080/", Endpoint("[::1]", 8080, secure=False)),
    ],
)
def test_an_address_is_read(url: str, endpoint: Endpoint) -> None:
    assert Endpoint.of(url) == endpoint


def test_an_address_does_not_show_its_key() -> None:
    address = WeaviateAddress("http://a:1", "http://a:2", SecretStr("muy-secreta"))
    assert "muy-secreta" not in repr(address)


def test_the_client_s_record_of_a_failed_batch_stays_out_of_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It holds the objects whole: their texts and vectors."""
    Connection(
        WeaviateAddress("http://127.0.0.1:1", "http://127.0.0.1:2"), WeaviateLimits(), "Recado"
    )
    client_log = logging.getLogger("weaviate-client")
    with caplog.at_level(logging.INFO):
        client_log.error({"message": "Failed to send", "errors": {0: "la dirección de Ana"}})
        client_log.warning("said otherwise")
    assert [record.getMessage() for record in caplog.records] == ["said otherwise"]
