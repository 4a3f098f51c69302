"""Collections of Weaviate that belong to one test."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import weaviate
from pydantic import SecretStr
from weaviate.classes.init import Auth

from recado.devstack.stack.weaviate import Weaviate
from recado.knowledge.weaviate import WeaviateAddress


def address(server: Weaviate, key: str | None = None) -> WeaviateAddress:
    """How to reach the server; without `key` as a writer."""
    key = key or server.writer_key
    return WeaviateAddress(server.url, server.grpc_url, None if key is None else SecretStr(key))


@asynccontextmanager
async def own_collections(server: Weaviate) -> AsyncIterator[str]:
    """A name that no other test's collections begin with; those that do are deleted at the end."""
    prefix = f"Test{uuid4().hex[:12]}"
    yield prefix
    async with raw_client(server) as client:
        for name in await client.collections.list_all():
            if name.startswith(prefix):
                await client.collections.delete(name)


def raw_client(server: Weaviate) -> weaviate.WeaviateAsyncClient:
    """The bare client as a writer, for what the knowledge base has no method for. `async with`."""
    rest, grpc = server.url.rpartition(":"), server.grpc_url.rpartition(":")
    return weaviate.use_async_with_custom(
        http_host=rest[0].removeprefix("http://"),
        http_port=int(rest[2]),
        http_secure=False,
        grpc_host=grpc[0].removeprefix("http://"),
        grpc_port=int(grpc[2]),
        grpc_secure=False,
        auth_credentials=Auth.api_key(server.writer_key) if server.writer_key else None,
        skip_init_checks=True,
    )
