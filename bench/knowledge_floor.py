"""The floor of the knowledge benchmark: the same objects and queries by the bare client.

Into a collection of the same definition, with stems that were made beforehand; without versions,
manifests, a settled vector index, or an answer to what happens when it is broken off.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import weaviate
from weaviate.classes.data import DataObject
from weaviate.classes.init import Auth
from weaviate.classes.query import HybridFusion, MetadataQuery
from weaviate.collections import CollectionAsync

from bench.knowledge_corpus import batches
from recado.devstack.stack.weaviate import Weaviate
from recado.knowledge.fusion import DENSE_WEIGHT
from recado.knowledge.model import Chunk
from recado.knowledge.port import Embedder
from recado.knowledge.weaviate_definition import STEMS, CollectionNames, make_passages
from recado.knowledge.weaviate_objects import READ_OF_CHUNK, Object
from recado.knowledge.weaviate_stems import stemmed

AT_ONCE = 4
"""Batches under way, as many as the store has."""

BATCH = 64
"""Objects of a batch, as many as the store writes together at most."""


@asynccontextmanager
async def bare_client(server: Weaviate) -> AsyncIterator[weaviate.WeaviateAsyncClient]:
    """The client as it comes, as a writer."""
    rest, grpc = urlsplit(server.url), urlsplit(server.grpc_url)
    async with weaviate.use_async_with_custom(
        http_host=rest.hostname or "",
        http_port=rest.port or 80,
        http_secure=rest.scheme == "https",
        grpc_host=grpc.hostname or "",
        grpc_port=grpc.port or 50051,
        grpc_secure=grpc.scheme == "https",
        auth_credentials=Auth.api_key(server.writer_key) if server.writer_key else None,
        skip_init_checks=True,
    ) as client:
        yield client


async def forget(client: weaviate.WeaviateAsyncClient, prefix: str) -> None:
    """Delete the collections whose names begin so."""
    for name in await client.collections.list_all():
        if name.startswith(prefix):
            await client.collections.delete(name)


class BareWriter:
    """Embed and `insert_many`, nothing else."""

    def __init__(self, collection: CollectionAsync, embedder: Embedder) -> None:
        self._collection = collection
        self._embedder = embedder

    @classmethod
    async def made(
        cls, client: weaviate.WeaviateAsyncClient, prefix: str, embedder: Embedder
    ) -> "BareWriter":
        """With a collection of its own, defined as the store's."""
        name = CollectionNames.of(prefix).passages
        await make_passages(client.collections, name, embedder)
        return cls(client.collections.use(name), embedder)

    async def write(self, chunks: Sequence[Chunk], words: Mapping[str, str]) -> None:
        """Full batches, several at once. `words` are the stems, by what is embedded."""
        turns = asyncio.Semaphore(AT_ONCE)

        async def batch(of: Sequence[Chunk]) -> None:
            async with turns:
                vectors = await self._embedder.embed_passages([chunk.searchable for chunk in of])
                objects = [
                    _object(chunk, vector, words[chunk.searchable])
                    for chunk, vector in zip(of, vectors, strict=True)
                ]
                result = await self._collection.data.insert_many(objects)
                if result.errors:
                    raise RuntimeError(f"{len(result.errors)} objects were not written")

        async with asyncio.TaskGroup() as tasks:
            for one in batches(chunks, BATCH):
                tasks.create_task(batch(one))


class BareReader:
    """One hybrid query a question, on the store's own collection."""

    def __init__(
        self, client: weaviate.WeaviateAsyncClient, prefix: str, vectors: Mapping[str, list[float]]
    ) -> None:
        """`vectors` are the questions'."""
        self._collection = client.collections.use(CollectionNames.of(prefix).passages)
        self._asked = {question: (stemmed(question), made) for question, made in vectors.items()}

    async def search(self, question: str, n: int) -> int:
        """How many were found."""
        words, vector = self._asked[question]
        found = await self._collection.query.hybrid(
            query=words,
            query_properties=[STEMS],
            vector=vector,
            alpha=DENSE_WEIGHT,
            fusion_type=HybridFusion.RELATIVE_SCORE,
            limit=n,
            return_metadata=MetadataQuery(score=True),
            return_properties=READ_OF_CHUNK,
        )
        return len(found.objects)


def stems(chunks: Sequence[Chunk]) -> dict[str, str]:
    """The stems of the chunks, by what is embedded of them."""
    return {chunk.searchable: stemmed(chunk.searchable) for chunk in chunks}


def _object(chunk: Chunk, vector: Sequence[float], words: str) -> Object:
    return DataObject(
        uuid=chunk.id,
        vector=list(vector),
        properties={
            "document": chunk.document_id,
            "version": chunk.content_sha256[:32],
            "part": 0,
            "position": chunk.position,
            "title": chunk.title,
            "section": chunk.section,
            "text": chunk.text,
            "page": chunk.page,
            "source": chunk.source,
            "content_sha256": chunk.content_sha256,
            STEMS: words,
        },
    )
