"""Development mode: which unsigned requests are taken."""

import ipaddress

from recado.channels.contract import WebhookRequest

FORWARDING_HEADERS = frozenset(
    {"forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "cf-connecting-ip"}
)
"""Marks of a proxy or a tunnel, which makes the whole world look like loopback."""


def is_local(request: WebhookRequest) -> bool:
    """Whether the request was made on this machine (127.0.0.0/8, ::1), and not handed on to it."""
    if not FORWARDING_HEADERS.isdisjoint(request.headers):
        return False
    try:
        address = ipaddress.ip_address(request.client_host)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped.is_loopback
    return address.is_loopback
