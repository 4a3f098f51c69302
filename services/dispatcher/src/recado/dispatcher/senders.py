"""The configured integrations, each with its sender on one pool of connections."""

from collections.abc import Mapping
from datetime import timedelta

import httpx

from recado.channels.contract import Channel, Sender
from recado.channels.integrations import Integrations
from recado.schemas.conversations import ReplyTo


class PooledSenders:
    """Senders by integration; see `recado.dispatcher.sending.Senders`.

    Each has its own connections, so that a platform that hangs takes none from another. Connecting
    and waiting for a free connection may take half of `timeout` each: then surely nothing was sent,
    and the part may go again. Reading may take all of it: the claim's own limit ends it.
    """

    def __init__(
        self,
        integrations: Integrations,
        channels: Mapping[str, Channel],
        *,
        timeout: timedelta,
        connections: int,
    ) -> None:
        seconds = timeout.total_seconds()
        self._clients: list[httpx.AsyncClient] = []
        self._senders: dict[tuple[str, str], Sender] = {}
        for integration in integrations:
            if not integration.enabled:
                continue
            client = httpx.AsyncClient(
                timeout=httpx.Timeout(seconds, connect=seconds / 2, pool=seconds / 2),
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
