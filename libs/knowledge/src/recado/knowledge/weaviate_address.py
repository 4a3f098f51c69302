"""Where a Weaviate server is. Reads addresses without the client: settings check them too."""

from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from pydantic import SecretStr

_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One side of the server; `secure`: over TLS. `host` of IPv6 stands in its brackets."""

    host: str
    port: int
    secure: bool

    @classmethod
    def of(cls, url: str) -> Self:
        """Read `http(s)://host[:port]`. Raises ValueError, which does not repeat it, for all else:
        the client takes neither a path nor a user."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise _no_address() from None
        beyond = parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc
        if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or beyond:
            raise _no_address()
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        default = _DEFAULT_PORTS[parts.scheme]
        return cls(host, default if port is None else port, parts.scheme == "https")


@dataclass(frozen=True, slots=True)
class WeaviateAddress:
    """Where the server is: `http(s)://host:port` of its REST and of its gRPC side, and the key.

    The key of a reader is enough for searches. None where the server asks for none.
    """

    url: str
    grpc_url: str
    api_key: SecretStr | None = None

    def endpoints(self) -> tuple[Endpoint, Endpoint]:
        """Of REST and of gRPC. Raises ValueError as `Endpoint.of`, and where they are the same."""
        rest, grpc = Endpoint.of(self.url), Endpoint.of(self.grpc_url)
        if (rest.host, rest.port) == (grpc.host, grpc.port):
            raise ValueError("Weaviate's REST and gRPC sides have addresses of their own")
        return rest, grpc


def _no_address() -> ValueError:
    return ValueError("an address of Weaviate is http(s)://host:port and nothing else")
