"""Why a request is not answered with 200.

IngressError
├── TurnedAway      it is at fault, or not what it claims to be: 4xx, the same if repeated
└── Unavailable     we are at fault: 503 with Retry-After, to be repeated
    ├── KafkaAway   Kafka did not acknowledge, or is known to be away
    └── Overloaded  more requests or bytes wait than memory is set aside for

Messages are shown to the sender. None holds a secret, nor what the right signature would have been.
"""

import asyncio
from collections.abc import Mapping
from types import MappingProxyType
from uuid import UUID


class IngressError(Exception):
    """Anything that ends a request before its 200."""


class TurnedAway(IngressError):
    """The request is refused with `status`."""

    def __init__(
        self,
        status: int,
        reason: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.headers = dict(headers or {})
        self.body = body
        """What was read of it when it was refused."""


class Unavailable(IngressError):
    """The request can't be served now. Nothing is claimed of it."""


class KafkaAway(Unavailable):
    """Kafka did not acknowledge every event of the request."""

    def __init__(
        self,
        reason: str,
        *,
        late: Mapping[UUID, "asyncio.Future[None]"] = MappingProxyType({}),
        silent: bool = False,
    ) -> None:
        super().__init__(reason)
        self.silent = silent
        """Kafka acknowledged nothing at all, of nobody's, for a whole time-out."""
        self.late = late
        """Events that Kafka may yet acknowledge, by id: when it does the future ends. It is
        cancelled when that is not to be expected, or nobody will know."""


class Overloaded(Unavailable):
    """Taking the request would need more memory than is set aside."""
