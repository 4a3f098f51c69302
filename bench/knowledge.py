"""The knowledge base on Weaviate: passages indexed and searches a second, beside the bare client.

One process takes turns: our store and then the floor, round by round, against one server. Some
passages are written with the real embedder, then 20,000 by each with vectors that were made
beforehand, so that the store's own time is seen. Then questions are searched for among these by 1,
8 and 32 callers at once. Trust CPU and ratios before rates: server and client share a machine.

LanceDB goes through the same, without a floor, with fewer documents written one by one.
"""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from uuid import uuid4

from pydantic import JsonValue, SecretStr

from bench.knowledge_corpus import CHUNKS, Corpus, Written, merged
from bench.knowledge_floor import AT_ONCE, BareReader, BareWriter, bare_client, forget, stems
from bench.knowledge_measure import HEADER, Contender, compared
from bench.report import Effort, Result
from recado.devstack.stack.ports import CLUSTER_PORTS, free_port
from recado.devstack.stack.weaviate import Weaviate, WeaviateServer, choose_weaviate
from recado.knowledge.embedders.cached import CachedEmbedder
from recado.knowledge.embedders.use import UseEmbedder
from recado.knowledge.lancedb import LanceKnowledgeBase
from recado.knowledge.port import Embedder, KnowledgeBase
from recado.knowledge.weaviate import WeaviateAddress, WeaviateKnowledgeBase

PASSAGES = 20_000
EMBEDDED_DOCUMENTS = 10
"""Documents of a round with the real embedder: 100 passages, 14 ms of calculation each."""
CALLERS = (1, 8, 32)
LANCE_CALLERS = (1, 8)
FOUND = 5
"""Passages that a search is asked for, as rag does."""
LANCE_DOCUMENTS = 20
"""Documents of a round on LanceDB, each a commit."""
LANCE_MERGED = 100
"""Of how many documents one is made to fill LanceDB."""
SEARCH_SHARE = 5
"""A round of searches takes this part of the effort's seconds: there are many of them."""


@dataclass
class Findings:
    """Contenders by what they did, in the order of the table."""

    groups: dict[str, list[Contender]] = field(default_factory=dict)

    def group(self, title: str, *names: str, server: int | None) -> list[Contender]:
        """New ones."""
        self.groups[title] = [Contender(name, server) for name in names]
        return self.groups[title]


def run(effort: Effort) -> Result:
    """Measure. Raises MissingComponent where there is no weaviate-server."""
    with tempfile.TemporaryDirectory(prefix="recado-bench-") as folder:
        return asyncio.run(_run(effort, Path(folder)))


async def _run(effort: Effort, folder: Path) -> Result:
    findings = Findings()
    async with AsyncExitStack() as stack:
        server = choose_weaviate(
            folder / "weaviate",
            port=free_port(),
            grpc_port=free_port(),
            cluster_port=free_port(CLUSTER_PORTS),
        )
        stack.push_async_callback(server.stop)
        await server.start()
        embedder = UseEmbedder()
        stack.push_async_callback(embedder.aclose)
        corpus = await Corpus.made(embedder)
        await _weaviate(effort, server, corpus, embedder, findings)
        await server.stop()
        await _lancedb(effort, folder / "lancedb", corpus, embedder, findings)
    return _result(findings)


async def _weaviate(
    effort: Effort, server: Weaviate, corpus: Corpus, embedder: UseEmbedder, findings: Findings
) -> None:
    pid = server.process.pid if isinstance(server, WeaviateServer) else None
    prefix = f"Bench{uuid4().hex[:8]}"
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(bare_client(server))
        stack.push_async_callback(forget, client, prefix)

        async def store(name: str, embedder: Embedder) -> KnowledgeBase:
            key = SecretStr(server.writer_key) if server.writer_key else None
            address = WeaviateAddress(server.url, server.grpc_url, key)
            base = WeaviateKnowledgeBase(address, embedder, collection=prefix + name)
            stack.push_async_callback(base.close)
            await base.prepare()
            return base

        async def index(
            title: str, name: str, embedder: Embedder, first: int, documents: int
        ) -> None:
            ours, floor = findings.group(title, "Recado, replace", "bare insert_many", server=pid)
            base = await store(name, embedder)
            bare = await BareWriter.made(client, f"{prefix}{name}Floor", embedder)
            for number in range(effort.rounds):
                written = corpus.documents(first + number * documents, documents)
                chunks = [chunk for one in written for chunk in one.chunks]
                words = stems(chunks)
                turns: list[Callable[[], Awaitable[None]]] = [
                    partial(_measured, ours, len(chunks), partial(replace_all, base, written)),
                    partial(_measured, floor, len(chunks), partial(bare.write, chunks, words)),
                ]
                for turn in turns if number % 2 == 0 else reversed(turns):
                    await turn()

        real = "passages indexed, the keyless embedder's time included"
        await index(real, "Embedded", embedder, PASSAGES // CHUNKS, EMBEDDED_DOCUMENTS)
        each = PASSAGES // CHUNKS // effort.rounds
        await index("passages indexed, vectors made before", "", corpus.made_before, 0, each)
        await client.collections.delete(f"{prefix}FloorPassage")

        live = await store("", embedder)
        cached = await store("", CachedEmbedder(embedder))
        vectors = {one: await embedder.embed_query(one) for one in corpus.questions}
        bare = BareReader(client, prefix, vectors)
        ways: dict[str, Callable[[str], Awaitable[object]]] = {
            "Recado, query embedded": lambda one: live.search(one, FOUND),
            "Recado, query cached": lambda one: cached.search(one, FOUND),
            "bare hybrid query": lambda one: bare.search(one, FOUND),
        }
        await _search(effort, "Weaviate", corpus, ways, findings, pid, CALLERS)


async def _lancedb(
    effort: Effort, folder: Path, corpus: Corpus, embedder: UseEmbedder, findings: Findings
) -> None:
    async with AsyncExitStack() as stack:

        def store(embedder: Embedder) -> KnowledgeBase:
            base = LanceKnowledgeBase(folder, embedder)
            stack.push_async_callback(base.close)
            return base

        base = store(corpus.made_before)
        filled = PASSAGES // CHUNKS - effort.rounds * LANCE_DOCUMENTS
        for first in range(0, filled, LANCE_MERGED):
            one = merged(corpus.documents(first, min(LANCE_MERGED, filled - first)))
            await base.replace(one.document, one.chunks)
        title = "passages indexed on LanceDB, vectors made before"
        (ours,) = findings.group(title, "Recado, replace", server=None)
        for number in range(effort.rounds):
            written = corpus.documents(filled + number * LANCE_DOCUMENTS, LANCE_DOCUMENTS)
            chunks = sum(len(one.chunks) for one in written)
            await _measured(ours, chunks, partial(replace_all, base, written))
        live, cached = store(embedder), store(CachedEmbedder(embedder))
        ways: dict[str, Callable[[str], Awaitable[object]]] = {
            "Recado, query embedded": lambda one: live.search(one, FOUND),
            "Recado, query cached": lambda one: cached.search(one, FOUND),
        }
        await _search(effort, "LanceDB", corpus, ways, findings, None, LANCE_CALLERS)


async def _search(
    effort: Effort,
    where: str,
    corpus: Corpus,
    ways: Mapping[str, Callable[[str], Awaitable[object]]],
    findings: Findings,
    server: int | None,
    at_once: Sequence[int],
) -> None:
    questions = corpus.questions
    for way in ways.values():  # each has seen every question then, and every document found
        for question in questions:
            await way(question)
    for callers in at_once:
        title = f"searches on {where}, {callers} at once"
        contenders = findings.group(title, *ways, server=server)
        turns = list(zip(contenders, ways.values(), strict=True))
        for number in range(effort.rounds):
            for contender, way in turns if number % 2 == 0 else reversed(turns):
                await contender.under_load(
                    partial(_asked, way, questions), callers, effort.seconds / SEARCH_SHARE
                )


async def _asked(
    way: Callable[[str], Awaitable[object]], questions: Sequence[str], number: int
) -> None:
    await way(questions[number % len(questions)])


async def _measured(
    contender: Contender, passages: int, work: Callable[[], Awaitable[None]]
) -> None:
    with contender.round() as done:
        await work()
        done.append(passages)


async def replace_all(base: KnowledgeBase, written: Sequence[Written]) -> None:
    """Each document on its own, several at once, as the indexer's lanes do it."""
    waiting = iter(written)

    async def lane() -> None:
        for one in waiting:
            await base.replace(one.document, one.chunks)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(AT_ONCE):
            tasks.create_task(lane())


def _result(findings: Findings) -> Result:
    lines, groups = [f"  {'':42}{HEADER}"], dict[str, JsonValue]()
    for title, contenders in findings.groups.items():
        lines += ["", title, *(one.line() for one in contenders)]
        figures: dict[str, JsonValue] = {one.name: one.figures() for one in contenders}
        *ours, floor = contenders
        if floor.name.startswith("bare"):
            ratios = {one.name: compared(one, floor) for one in ours}
            figures["multiples_of_bare"] = {name: dict(ratio) for name, ratio in ratios.items()}
            lines += [_ratio_line(ratio, name) for name, ratio in ratios.items()]
        groups[title] = figures
    figures = {"passages": PASSAGES, "chunks_of_a_document": CHUNKS, "found": FOUND}
    return Result("\n".join(lines), {**figures, "measured": groups})


def _ratio_line(ratio: Mapping[str, JsonValue], name: str) -> str:
    told = ", ".join(f"{what} {value}" for what, value in ratio.items() if value is not None)
    return f"  {name} / bare: {told}"
