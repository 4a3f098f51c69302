"""Addresses, and what of the client's words may be seen."""

import logging

import pytest
from pydantic import SecretStr

from recado.knowledge.weaviate_connection import Connection, WeaviateAddress, WeaviateLimits


@pytest.mark.parametrize("url", ["127.0.0.1:8080", "ftp://host:1", "http://", ""])
def test_an_address_that_is_none_is_refused_at_once(url: str) -> None:
    good = "http://127.0.0.1:50051"
    for address in (WeaviateAddress(url, good), WeaviateAddress(good, url)):
        with pytest.raises(ValueError, match="address of Weaviate"):
            Connection(address, WeaviateLimits(), "RecadoPassage")


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
