"""How documents are cut is set by the environment, and sizes that make no sense end the service."""

import pytest

from recado.indexer.settings import IndexerSettings
from recado.knowledge.chunking import ChunkingOptions
from recado.servicekit.settings import EXIT_MISCONFIGURED, load


def test_without_settings_documents_are_cut_as_the_library_does() -> None:
    assert IndexerSettings().chunking == ChunkingOptions()


def test_each_size_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("TARGET", "500"), ("MAXIMUM", "700"), ("PACK", "0")):
        monkeypatch.setenv(f"RECADO_CHUNK_{name}", value)
    assert IndexerSettings().chunking == ChunkingOptions(target=500, maximum=700, pack=0)


@pytest.mark.parametrize(
    ("target", "maximum", "told"),
    [
        ("1500", "1400", "RECADO_CHUNK_TARGET must not be above RECADO_CHUNK_MAXIMUM"),
        ("900", "4001", "RECADO_CHUNK_MAXIMUM: "),
        ("0", "1400", "RECADO_CHUNK_TARGET: "),
    ],
)
def test_sizes_that_make_no_sense_are_one_line_and_status_78(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    target: str,
    maximum: str,
    told: str,
) -> None:
    monkeypatch.setenv("RECADO_CHUNK_TARGET", target)
    monkeypatch.setenv("RECADO_CHUNK_MAXIMUM", maximum)
    with pytest.raises(SystemExit) as ended:
        load(IndexerSettings)
    assert ended.value.code == EXIT_MISCONFIGURED
    (line,) = capsys.readouterr().err.splitlines()
    assert told in line
