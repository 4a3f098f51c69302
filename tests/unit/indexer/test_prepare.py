"""`python -m recado.indexer`: what it takes, and what `prepare` says where it fails."""

from pathlib import Path

import pytest

from recado.indexer import prepare
from recado.indexer.__main__ import main
from recado.indexer.settings import IndexerSettings
from recado.knowledge.errors import KnowledgeError, KnowledgeMisconfigured, KnowledgeUnavailable
from recado.knowledge.port import Embedder, KnowledgeBase
from recado.knowledge.settings import KnowledgeSettings


def test_an_argument_that_is_not_known_is_told_in_one_sentence(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Exit 2, and nothing is started."""
    for arguments in (["prepaer"], ["prepare", "now"], ["--help"]):
        assert main(arguments) == 2
        assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (KnowledgeUnavailable("Weaviate does not answer"), "Weaviate does not answer.\n"),
        (
            KnowledgeMisconfigured("Passages", {"dimensions": ("512", "768")}),
            "collection 'Passages' does not fit: dimensions is 512 in the store and 768 here.\n",
        ),
    ],
)
def test_a_store_that_does_not_do_is_told_in_one_sentence(
    error: KnowledgeError,
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Exit 1: the Job tries again."""

    def refuse(settings: KnowledgeSettings, embedder: Embedder) -> KnowledgeBase:
        raise error

    monkeypatch.setattr(prepare, "make_knowledge", refuse)
    assert main(["prepare"]) == 1
    assert capsys.readouterr().err == told


def test_what_is_in_the_place_of_the_store_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file where the folder of LanceDB should be."""
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("RECADO_LANCEDB_PATH", str(tmp_path / "file" / "knowledge"))
    assert IndexerSettings().knowledge == "lancedb"
    assert main(["prepare"]) == 1
    assert capsys.readouterr().err.count("\n") == 1
