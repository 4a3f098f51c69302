"""`python -m recado.indexer prepare`: the collection of the knowledge base, and nothing else.

The indexer makes it when it starts; a Job that makes it before it shows a store that can't be
reached, or a collection that does not fit, before anything waits for it. The embedding model is
named in the collection's definition and not asked. Doing it again changes nothing. Status 0 when
the collection is there and fits; 1 with one sentence on stderr; 78 where a setting is wrong.
"""

import asyncio
import sys
from datetime import timedelta

from recado.indexer.settings import IndexerSettings
from recado.knowledge.connect import make_embedder, make_knowledge
from recado.knowledge.errors import KnowledgeError
from recado.servicekit.settings import load

EXIT_FAILED = 1
TIMEOUT = timedelta(minutes=1)


def prepare() -> int:
    """Make the collection where it is missing, compare it where it is not; the exit status."""
    settings = load(IndexerSettings)
    try:
        asyncio.run(_prepare(settings))
    except KnowledgeError as error:
        sys.stderr.write(f"{str(error).rstrip('.')}.\n")
        return EXIT_FAILED
    except TimeoutError:
        sys.stderr.write("The knowledge base did not answer in time.\n")
        return EXIT_FAILED
    sys.stdout.write(f"The collection is there ({settings.knowledge}).\n")
    return 0


async def _prepare(settings: IndexerSettings) -> None:
    embedder = make_embedder(settings)
    try:
        knowledge = make_knowledge(settings, embedder)
        try:
            async with asyncio.timeout(TIMEOUT.total_seconds()):
                await knowledge.open()
                await knowledge.prepare()
        finally:
            await knowledge.close()
    finally:
        await embedder.aclose()
