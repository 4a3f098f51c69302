"""Ports for the stack, all on 127.0.0.1.

Every port lies below 32768, where Linux's ephemeral range begins: a port of that range may be
taken by some client's outgoing connection while a broker is down, and the broker can't come back.
"""

import random
import socket
from dataclasses import dataclass
from typing import Self

from recado.devstack.stack.errors import NoFreePort, PortTaken

LOOPBACK = "127.0.0.1"

# Above what servers commonly use, below /proc/sys/net/ipv4/ip_local_port_range's usual 32768.
_LOWEST, _HIGHEST = 23000, 32767
_TRIES = 200

CLUSTER_PORTS = 4
"""What a node of Weaviate listens on for other nodes: consensus, its calls, gossip, data."""

_handed_out: set[int] = set()


def is_free(port: int) -> bool:
    """Say whether a server could listen on `port` of the loopback address now."""
    with socket.socket() as probe:
        # Servers set this too: connections in TIME_WAIT do not keep a port from them.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def free_port(row: int = 1) -> int:
    """Draw a free port below the ephemeral range; never the same one twice in this process.

    The first of `row` such ports that follow one another. Raises NoFreePort. Nothing holds a port
    until a server listens on it.
    """
    for _ in range(_TRIES):
        first = random.randint(_LOWEST, _HIGHEST - row + 1)  # noqa: S311 - no secret
        drawn = range(first, first + row)
        if all(_may_be_drawn(port) for port in drawn):
            _handed_out.update(drawn)
            return first
    raise NoFreePort(f"none of {_TRIES} ports drawn from {_LOWEST}-{_HIGHEST} is free")


def _may_be_drawn(port: int) -> bool:
    return port not in _handed_out and port not in _DEMO_PORTS and is_free(port)


def ensure_free(part: str, port: int) -> None:
    """Raise PortTaken if a server could not listen on `port`."""
    if not is_free(port):
        raise PortTaken(part, port)


@dataclass(frozen=True, slots=True)
class Ports:
    """One port a part. The defaults are the demo's."""

    ingress: int = 9000
    rag: int = 9001
    dispatcher: int = 9002
    indexer: int = 9003
    standins: int = 9100
    kafka: int = 19092
    kafka_controller: int = 19093
    mongodb: int = 27117
    weaviate: int = 18080
    weaviate_grpc: int = 18081
    weaviate_cluster: int = 18082
    """The first of CLUSTER_PORTS in a row."""

    @classmethod
    def free(cls) -> Self:
        """A free port for each part, for tests."""
        rows = {"weaviate_cluster": CLUSTER_PORTS}
        return cls(**{name: free_port(rows.get(name, 1)) for name in cls.__slots__})


_DEMO_PORTS = frozenset(getattr(Ports(), name) for name in Ports.__slots__)
