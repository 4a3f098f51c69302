"""The configured integrations, each with its sender on one pool of connections."""

from collections.abc import Mapping
from datetime import timedelta

import httpx

from recado.channels.contract import Channel, Sender
from recado.channels.integrations import Integrations
from recado.schemas.conversations import ReplyTo


class PooledSenders:
    """Senders by integration; see `recado.dispatcher.sending.Senders`.

    Each has its own connections, so that a platform that hangs takes none from another. Waiting for
    a free connection, connecting and TLS take `connecting` at most, all together: then surely
    nothing was sent, and the part may go again. Reading may take all of `timeout`: the claim's own
    limit ends it.
    """

    def __init__(
        self,
        integrations: Integrations,
        channels: Mapping[str, Channel],
        *,
        timeout: timedelta,
        connecting: timedelta,
        connections: int,
    ) -> None:
        # httpx applies `connect` to connecting and once more to TLS.
        third = connecting.total_seconds() / 3
        self._clients: list[httpx.AsyncClient] = []
        self._senders: dict[tuple[str, str], Sender] = {}
        for integration in integrations:
            if not integration.enabled:
                continue
            client = httpx.AsyncClient(
                timeout=httpx.Timeout(timeout.total_seconds(), connect=third, pool=third),
                limits=httpx.Limits(
                    max_connections=connections, max_keepalive_connections=connections
                ),
            )
            self._clients.append(client)
            channel = channels[integration.platform]
            key = integration.platform, integration.name
            self._senders[key] = channel.sender(integration, client)

    def sender(self, reply_to: ReplyTo) -> Sender | None:
        return self._senders.get((reply_to.platform, reply_to.integration))

    async def close(self) -> None:
        """Close every connection."""
        for client in self._clients:
            await client.aclose()
