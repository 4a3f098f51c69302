"""Whose address counts: the peer's, unless it is a trusted proxy that names another."""

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recado.ingress.clients import MAX_HOPS, Clients, parse

PROXY = "10.0.0.1"
BEHIND = Clients([ip_network("10.0.0.0/8"), ip_network("fd00::/8")])


def said(peer: str, *hops: str) -> str | None:
    headers = {"x-forwarded-for": ", ".join(hops)} if hops else {}
    address = BEHIND.address(peer, headers)
    return None if address is None else str(address)


def test_a_peer_that_is_no_trusted_proxy_is_the_client_whatever_it_says() -> None:
    assert said("203.0.113.9", "149.154.160.1") == "203.0.113.9"


def test_without_trusted_proxies_nobody_is_believed() -> None:
    found = Clients().address(PROXY, {"x-forwarded-for": "149.154.160.1"})
    assert found == ip_address(PROXY)


def test_a_trusted_proxy_is_believed_about_the_right_most_hop_that_is_not_trusted() -> None:
    assert said(PROXY, "149.154.160.1", "203.0.113.9") == "203.0.113.9"
    assert said(PROXY, "149.154.160.1", "203.0.113.9", "10.9.9.9", "fd00::2") == "203.0.113.9"


@given(st.lists(st.text(st.characters(codec="latin-1"), max_size=30), max_size=5))
def test_nothing_left_of_it_changes_anything(written_by_the_client: list[str]) -> None:
    assert said(PROXY, *written_by_the_client, "203.0.113.9", "10.0.0.7") == "203.0.113.9"


def test_where_all_hops_are_trusted_it_is_the_left_most() -> None:
    assert said(PROXY, "10.0.0.3", "10.0.0.2") == "10.0.0.3"


def test_a_proxy_that_names_nobody_is_itself_the_client() -> None:
    assert said(PROXY) == PROXY


@pytest.mark.parametrize("hop", ["unknown", "", "_hidden", "1.2.3", "300.1.1.1"])
def test_a_hop_that_is_no_address_is_nobody(hop: str) -> None:
    assert said(PROXY, "149.154.160.1", hop) is None


def test_endless_lists_are_nobodys() -> None:
    assert said(PROXY, *["10.0.0.2"] * (MAX_HOPS + 5)) is None


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        (" 192.0.2.1:8080 ", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
    ],
)
def test_addresses_are_read_as_proxies_write_them(written: str, address: str) -> None:
    assert parse(written) == ip_address(address)


def test_a_peer_without_an_address_is_nobody() -> None:
    assert said("") is None
