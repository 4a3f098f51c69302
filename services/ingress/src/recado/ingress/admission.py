"""What an integration asks of those who post to it: from where, and how many a second.

- A request from outside of an integration's networks is none for it. Where nothing is left that it
  may be for, it is 403, before anything of its body is read.
- The rate counts authentic requests only: else anybody could use up what is the platform's. Beyond
  it they are 429 with `Retry-After`. Meta repeats what is not answered with 200, for 7 days;
  Telegram's server waits as long as `Retry-After` says (tdlib/telegram-bot-api, WebhookActor.cpp).
  A request that is authentic for several integrations counts for each, and is refused where one of
  them has had its share.

Rates are those of one process.
"""

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from recado.channels.contract import Integration
from recado.ingress.clients import Clients, is_in
from recado.ingress.errors import TurnedAway
from recado.ingress.limits import Bucket


class Admission:
    """Who may post how much. Belongs to one event loop."""

    def __init__(self, clients: Clients, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clients = clients
        self._clock = clock
        self._buckets: dict[tuple[str, str], Bucket] = {}

    def replace(self, integrations: Iterable[Integration]) -> None:
        """Hold to these from now on. Where a rate stays the same, so does what is left of it."""
        before, self._buckets = self._buckets, {}
        for one in integrations:
            if one.requests_per_second is None:
                continue
            key = (one.platform, one.name)
            bucket = Bucket(one.requests_per_second, one.requests_burst, self._clock)
            known = before.get(key)
            self._buckets[key] = known if known is not None and known == bucket else bucket

    def from_where(
        self, integrations: Sequence[Integration], client_host: str, headers: Mapping[str, str]
    ) -> Sequence[Integration]:
        """Those that take requests from there: at least one. Raises `TurnedAway` with 403."""
        for one in integrations:
            if one.allowed_networks:
                break
        else:
            return integrations
        address = self._clients.address(client_host, headers)
        allowing = [
            one
            for one in integrations
            if not one.allowed_networks
            or (address is not None and is_in(address, one.allowed_networks))
        ]
        if not allowing:
            raise TurnedAway(403, "the sender's address is not allowed")
        return allowing

    def count(self, integrations: Sequence[Integration]) -> None:
        """Count a request that is authentic for these. Raises `TurnedAway` with 429."""
        if not self._buckets:
            return
        wait = 0.0
        for one in integrations:
            bucket = self._buckets.get((one.platform, one.name))
            if bucket is not None:
                wait = max(wait, bucket.take())
        if wait:
            seconds = str(max(1, math.ceil(wait)))
            raise TurnedAway(429, "too many requests", headers={"Retry-After": seconds})

    def source(self, client_host: str, headers: Mapping[str, str]) -> str:
        """Where a request comes from, in words; empty where that is not known."""
        address = self._clients.address(client_host, headers)
        return "" if address is None else str(address)
