"""One connection to a Weaviate server: its address, its time-outs, its errors.

Every call to the server is made inside `calls`, which bounds its time and gives the client's many
exceptions the meaning that they have for the caller. Their texts are dropped: they may hold texts
of documents and of queries. The client connects at the first call and by itself again after the
server was away: there is nothing to restart here.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import httpx
import weaviate
from weaviate.classes.init import AdditionalConfig, Auth, Timeout
from weaviate.config import GrpcConfig
from weaviate.exceptions import (
    InsufficientPermissionsError,
    UnexpectedStatusCodeError,
    WeaviateBaseError,
)

from recado.knowledge.errors import KnowledgeMisconfigured, KnowledgeUnavailable
from recado.knowledge.weaviate_address import WeaviateAddress

_UNAUTHORIZED = 401


@dataclass(frozen=True, slots=True, kw_only=True)
class WeaviateLimits:
    """How long is waited, and how much is under way at once.

    `connect` bounds the first words with the server, `search` and `write` whole calls of the port
    without their embedding, the wait for a turn included. About eight searches at once keep two
    cores of a server busy; more would only wait there instead of here.
    """

    connect: timedelta = timedelta(seconds=5)
    search: timedelta = timedelta(seconds=10)
    write: timedelta = timedelta(seconds=60)
    concurrent_searches: int = 8
    concurrent_writes: int = 4


class Connection:
    """A lazily connected client. For one event loop; `close` ends it."""

    def __init__(self, address: WeaviateAddress, limits: WeaviateLimits, collection: str) -> None:
        """`collection` is for messages. Raises ValueError for an address that is none."""
        self._address = address
        self._rest, self._grpc = address.endpoints()
        self._limits = limits
        self._collection = collection
        self._client: weaviate.WeaviateAsyncClient | None = None
        self._connecting = asyncio.Lock()
        _keep_texts_out_of_the_log()

    async def client(self) -> weaviate.WeaviateAsyncClient:
        """The client, connected. Await it inside `calls`."""
        async with self._connecting:
            if self._client is None:
                client = self._made()
                try:
                    async with asyncio.timeout(self._limits.connect.total_seconds()):
                        await client.connect()
                except BaseException:
                    await client.close()
                    raise
                self._client = client
            return self._client

    async def close(self) -> None:
        async with self._connecting:
            client, self._client = self._client, None
            if client is not None:
                await client.close()

    @asynccontextmanager
    async def calls(self, timeout: timedelta, *, writing: bool = False) -> AsyncIterator[None]:
        """Raises KnowledgeUnavailable or KnowledgeMisconfigured for whatever goes wrong inside."""
        try:
            async with asyncio.timeout(timeout.total_seconds()):
                yield
        except TimeoutError:
            raise KnowledgeUnavailable("Weaviate gave no answer in time") from None
        except InsufficientPermissionsError:
            raise self.refused(writing=writing) from None
        except UnexpectedStatusCodeError as error:
            if error.status_code == _UNAUTHORIZED:
                raise self._unknown_key() from None
            raise KnowledgeUnavailable(f"Weaviate answered {error.status_code}") from None
        except (WeaviateBaseError, httpx.HTTPError, OSError) as error:
            raise KnowledgeUnavailable(f"Weaviate: {type(error).__name__}") from None

    def refused(self, *, writing: bool) -> KnowledgeMisconfigured:
        """The error for a key that may not do what was asked."""
        right = "writing" if writing else "reading"
        return KnowledgeMisconfigured(
            self._collection,
            {"the API key's access": (f"not enough for {right}", f"needed for {right}")},
        )

    def _unknown_key(self) -> KnowledgeMisconfigured:
        given = "none" if self._address.api_key is None else "given, and unknown there"
        return KnowledgeMisconfigured(self._collection, {"the API key": ("needed", given)})

    def _made(self) -> weaviate.WeaviateAsyncClient:
        key = self._address.api_key
        return weaviate.use_async_with_custom(
            http_host=self._rest.host,
            http_port=self._rest.port,
            http_secure=self._rest.secure,
            grpc_host=self._grpc.host,
            grpc_port=self._grpc.port,
            grpc_secure=self._grpc.secure,
            auth_credentials=Auth.api_key(key.get_secret_value()) if key is not None else None,
            additional_config=AdditionalConfig(
                timeout=Timeout(
                    init=self._limits.connect.total_seconds(),
                    query=self._limits.search.total_seconds(),
                    insert=self._limits.write.total_seconds(),
                ),
                # Without it gRPC waits up to two minutes before it tries a restarted server.
                grpc_config=GrpcConfig(
                    channel_options=[
                        ("grpc.initial_reconnect_backoff_ms", 200),
                        ("grpc.min_reconnect_backoff_ms", 200),
                        ("grpc.max_reconnect_backoff_ms", 2000),
                        ("grpc.enable_http_proxy", 0),  # as it is with the REST side
                    ]
                ),
            ),
            skip_init_checks=True,  # they ask PyPI for the client's newest version
        )


class _WithoutTexts(logging.Filter):
    """Drops the client's record of a batch that failed in part: it holds the objects whole."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not isinstance(record.msg, dict)


_without_texts = _WithoutTexts()


def _keep_texts_out_of_the_log() -> None:
    logging.getLogger("weaviate-client").addFilter(_without_texts)  # once, however often
