"""Where a request comes from: the peer, or what a trusted proxy says of it.

`X-Forwarded-For` is a list to which each proxy adds the address that it was called from, at the
right. Only what a trusted proxy added says anything: from the right, the first address that is not
a trusted proxy's own is the client. Whatever is left of it the client may have written itself. A
request that does not come from a trusted proxy is from its peer, whatever its headers say.
"""

import ipaddress
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

HEADER = "x-forwarded-for"
MAX_HOPS = 32
"""More proxies than that in a row are none of ours."""


class Clients:
    """Finds out where requests come from."""

    def __init__(self, trusted_proxies: Sequence[Network] = ()) -> None:
        self._trusted = tuple(trusted_proxies)

    def address(self, peer: str, headers: Mapping[str, str]) -> Address | None:
        """The client's address; None where the peer has none, or a trusted proxy names none.

        `headers` have names in lower case; a header that came several times is joined by commas.
        """
        address = parse(peer)
        if address is None or not is_in(address, self._trusted) or HEADER not in headers:
            return address
        for hop in reversed(headers[HEADER].rsplit(",", MAX_HOPS)):
            address = parse(hop)
            if address is None or not is_in(address, self._trusted):
                return address
        return address


def parse(written: str) -> Address | None:
    """An address as peers and proxies write it, with a port or not; None where it is none.

    An IPv4 address in IPv6's clothes (`::ffff:192.0.2.1`) is that IPv4 address.
    """
    written = written.strip()
    if written.startswith("["):
        written = written[1:].partition("]")[0]
    elif written.count(":") == 1:
        written = written.partition(":")[0]
    try:
        address = ipaddress.ip_address(written)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def is_in(address: Address, networks: Sequence[Network]) -> bool:
    """Whether one of the networks has the address; one of another IP version never has."""
    return any(address in network for network in networks)
