"""The Gemini embedder in its place: under a store, over the wire, with what goes wrong there."""

import hashlib
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from recado.devstack.stack.standins import StandIns
from recado.knowledge import Document, KnowledgeMisconfigured, Section, chunk_document
from recado.knowledge.connect import make_embedder, make_knowledge
from recado.knowledge.embedders import gemini as module
from recado.knowledge.embedders.gemini import GeminiEmbedder, GeminiEmbedderOptions
from recado.knowledge.errors import KnowledgeUnavailable
from recado.knowledge.settings import KnowledgeSettings
from recado.schemas import ids

PAGES = {
    "internet-lento.md": "Si tu internet va lento, reinicia el router y espera dos minutos.",
    "factura.md": "Puedes pagar la factura con tarjeta o por transferencia desde tu cuenta.",
    "mudanza.md": "Si te mudas de casa, avísanos diez días antes para trasladar el servicio.",
}


@pytest.fixture
async def control(standins: StandIns) -> AsyncIterator[httpx.AsyncClient]:
    """The stand-ins' control API; their faults are taken away afterwards."""
    async with httpx.AsyncClient(base_url=f"{standins.url}/control", trust_env=False) as client:
        yield client
        await client.delete("/faults")


@pytest.fixture
def settings(standins: StandIns, tmp_path: Path) -> Callable[..., KnowledgeSettings]:
    def make(dimensions: int = 768) -> KnowledgeSettings:
        return KnowledgeSettings(
            knowledge="lancedb",
            lancedb_path=tmp_path / "knowledge",
            embedder="gemini",
            embedding_dimensions=dimensions,
            gemini_api_key=SecretStr("gemini-demo-key"),
            gemini_base_url=f"{standins.url}/gemini",
        )

    return make


def document(source: str, text: str) -> Document:
    return Document(
        id=ids.document_id("ayuda", source),
        source=source,
        title=source.removesuffix(".md"),
        language="es",
        content_sha256=hashlib.sha256(text.encode()).hexdigest(),
        sections=(Section((), text),),
    )


async def embedded(control: httpx.AsyncClient) -> int:
    number: int = (await control.get("/health")).json()["embedded_texts"]
    return number


async def test_a_store_chosen_by_settings_finds_what_gemini_embedded(
    settings: Callable[..., KnowledgeSettings], control: httpx.AsyncClient
) -> None:
    """One vector a chunk and one a query, and a reader with other dimensions is refused."""
    embedder = make_embedder(settings())
    base = make_knowledge(settings(), embedder)
    before = await embedded(control)
    await base.open()
    await base.prepare()
    chunks = 0
    for source, text in PAGES.items():
        page = document(source, text)
        made = chunk_document(page)
        chunks += len(made)
        await base.replace(page, made)
    assert await embedded(control) - before == chunks
    for question, source in {
        "¿por qué mi internet está lento?": "internet-lento.md",
        "como pago la factura": "factura.md",
        "me mudo a otra casa": "mudanza.md",
    }.items():
        found = await base.search(question)
        assert found.passages[0].source == source
        assert found.similarity > embedder.no_answer_similarity
    await base.close()
    await embedder.aclose()

    other = make_embedder(settings(dimensions=512))
    reader = make_knowledge(settings(dimensions=512), other)
    with pytest.raises(KnowledgeMisconfigured, match="gemini-embedding-001/512"):
        await reader.open()
    await reader.close()
    await other.aclose()


async def test_a_connection_that_drops_is_tried_again(
    standins: StandIns, control: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BACKOFF", lambda _state: 0.0)
    options = GeminiEmbedderOptions(base_url=f"{standins.url}/gemini", attempts=3)
    embedder = GeminiEmbedder(SecretStr("gemini-demo-key"), options)
    await control.put("/faults/gemini", json={"kind": "drop", "count": 2})
    assert len(await embedder.embed_query("¿sigues ahí?")) == options.dimensions
    await control.put("/faults/gemini", json={"kind": "drop"})
    with pytest.raises(KnowledgeUnavailable):
        await embedder.embed_query("¿y ahora?")
    await embedder.aclose()


async def test_an_api_that_never_answers_is_unavailable_at_the_deadline_and_then_works_again(
    standins: StandIns, control: httpx.AsyncClient
) -> None:
    options = GeminiEmbedderOptions(
        base_url=f"{standins.url}/gemini", batch_timeout=timedelta(milliseconds=300)
    )
    embedder = GeminiEmbedder(SecretStr("gemini-demo-key"), options)
    await embedder.load()
    await control.put("/faults/gemini", json={"kind": "hang"})
    with pytest.raises(KnowledgeUnavailable, match=r"no answer within 0\.3 s"):
        await embedder.embed_passages(["Reinicia el router."])
    await control.delete("/faults")
    assert len(await embedder.embed_query("¿sigues ahí?")) == options.dimensions
    await embedder.aclose()
