"""The configured integrations, each with its sender on connections of its own.

They may be replaced while answers are being sent:

- A sending call uses the integration as it is when the call begins, and ends with that: its
  connections are closed only after it. Whoever holds a sender across the change, between two parts
  of an answer, say, sends the next part as the integration is then.
- An integration that is gone or disabled has no sender. A call of one from before sends nothing.
- One that did not change keeps its connections.

What only shows that somebody is there (`attentive`) has connections of its own, few of them: no
send waits for one.
"""

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import timedelta

import httpx

from recado.channels.contract import Attentive, Channel, Integration, Limits, Part, Sender
from recado.channels.errors import RetryLater
from recado.schemas.conversations import ReplyTo

ATTENTIVE_CONNECTIONS = 8

_Key = tuple[str, str]
"""Platform and name."""


class PooledSenders:
    """Senders by integration, none before `replace`; see `recado.dispatcher.ports.Senders`.

    Each has its own connections, so that a platform that hangs takes none from another. Waiting for
    a free connection, connecting and TLS take `connecting` at most, all together: then surely
    nothing was sent, and the part may go again. Reading may take all of `timeout`: the claim's own
    limit ends it.
    """

    def __init__(
        self,
        channels: Mapping[str, Channel],
        *,
        timeout: timedelta,
        connecting: timedelta,
        connections: int,
    ) -> None:
        self._channels = channels
        self._timeout = timeout.total_seconds()
        # httpx applies `connect` to connecting and once more to TLS.
        self._third = connecting.total_seconds() / 3
        self._connections = connections
        # Reading the authorities holds the event loop for 20 ms: once, not for each account.
        self._tls = httpx.create_ssl_context()
        self._accounts: dict[_Key, _Account] = {}
        self._closing: set[asyncio.Task[None]] = set()

    async def warm_up(self) -> None:
        """Have loaded what httpx loads with its first request.

        That holds the event loop for 50 ms, three times as long where several processes begin at
        once, and a send would have been told its turn before.
        """
        async with httpx.AsyncClient(verify=self._tls, trust_env=False) as http:
            with suppress(httpx.TransportError):
                await http.get("http://127.0.0.1:0")  # nobody can listen there

    def replace(self, integrations: Iterable[Integration]) -> None:
        """Send for these from now on. In a running event loop, unless it is the first time."""
        accounts: dict[_Key, _Account] = {}
        for integration in integrations:
            if integration.enabled:
                key = integration.platform, integration.name
                known = self._accounts.get(key)
                same = known is not None and known.integration == integration
                accounts[key] = known if known and same else self._account(integration)
        left = [one for key, one in self._accounts.items() if accounts.get(key) is not one]
        self._accounts.clear()
        self._accounts.update(accounts)
        for account in left:
            closing = asyncio.create_task(account.close(self._timeout), name="closing-account")
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)

    def sender(self, reply_to: ReplyTo) -> Sender | None:
        key = reply_to.platform, reply_to.integration
        return _CurrentSender(self._accounts, key) if key in self._accounts else None

    def integration(self, reply_to: ReplyTo) -> Integration | None:
        account = self._accounts.get((reply_to.platform, reply_to.integration))
        return None if account is None else account.integration

    def limits(self, reply_to: ReplyTo) -> Limits:
        integration = self.integration(reply_to)
        return Limits() if integration is None else integration.limits(reply_to)

    def attentive(self, reply_to: ReplyTo) -> Attentive | None:
        """What shows the customer at this address that somebody is there, as configured now.

        Held across a change it raises `RetryLater`: its connections are closed.
        """
        account = self._accounts.get((reply_to.platform, reply_to.integration))
        return None if account is None else account.attentive

    async def close(self) -> None:
        """Close every connection, once nothing is sent any more."""
        self.replace(())
        await asyncio.gather(*self._closing)

    def _account(self, integration: Integration) -> "_Account":
        channel = self._channels[integration.platform]
        return _Account(
            integration,
            channel,
            self._client(self._connections),
            self._client(ATTENTIVE_CONNECTIONS),
        )

    def _client(self, connections: int) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            timeout=httpx.Timeout(self._timeout, connect=self._third, pool=self._third),
            limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
            verify=self._tls,
        )


class _Account:
    """An integration in one version, with its connections."""

    def __init__(
        self,
        integration: Integration,
        channel: Channel,
        client: httpx.AsyncClient,
        beside: httpx.AsyncClient,
    ) -> None:
        self.integration = integration
        self._clients = client, beside
        self._sender = channel.sender(integration, client)
        shows = channel.sender(integration, beside)
        self.attentive = shows if isinstance(shows, Attentive) else None
        self._under_way = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def send(
        self, reply_to: ReplyTo, part: Part, *, callback_data: str, quoted_message_id: str | None
    ) -> str:
        self._under_way += 1
        self._idle.clear()
        try:
            return await self._sender.send(
                reply_to, part, callback_data=callback_data, quoted_message_id=quoted_message_id
            )
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._idle.set()

    async def close(self, longest: float) -> None:
        """Close the connections when no call is under way; none takes longer than `longest`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(longest):
                await self._idle.wait()
        for client in self._clients:
            await client.aclose()


class _CurrentSender:
    """Sends for whatever the integration is at each call."""

    def __init__(self, accounts: Mapping[_Key, _Account], key: _Key) -> None:
        self._accounts = accounts
        self._key = key

    async def send(
        self,
        reply_to: ReplyTo,
        part: Part,
        *,
        callback_data: str,
        quoted_message_id: str | None = None,
    ) -> str:
        account = self._accounts.get(self._key)
        if account is None:
            raise RetryLater("the integration is gone or disabled")
        return await account.send(
            reply_to, part, callback_data=callback_data, quoted_message_id=quoted_message_id
        )
