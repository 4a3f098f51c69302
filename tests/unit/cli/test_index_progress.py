"""The bars of `recado index`, as they stand when it ends."""

import io

import pytest
from rich.console import Console

from recado.cli import index_progress
from recado.cli.index_progress import IndexProgress


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What is shown, without colours, on a terminal of 120 columns."""
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=120, no_color=True, highlight=False)
    monkeypatch.setattr(index_progress, "errors", console)
    return screen


def test_documents_are_counted_with_the_file_that_is_read(screen: io.StringIO) -> None:
    """Its name is no markup."""
    with IndexProgress(3, quiet=False) as progress:
        progress.done()
        progress.reading("[red]guía.pdf")
    shown = screen.getvalue()
    assert "1/3" in shown
    assert "[red]guía.pdf" in shown
    assert "Indexing" not in shown


def test_records_are_counted_from_the_most_that_were_left(screen: io.StringIO) -> None:
    with IndexProgress(1, quiet=False) as progress:
        for left in (4, 10, 3):
            progress.indexing(left)
    assert "7/10" in screen.getvalue()


def test_an_indexer_that_is_done_at_the_first_look_gets_no_bar(screen: io.StringIO) -> None:
    with IndexProgress(1, quiet=False) as progress:
        progress.indexing(0)
    assert "Indexing" not in screen.getvalue()


def test_quiet_shows_nothing(screen: io.StringIO) -> None:
    with IndexProgress(1, quiet=True) as progress:
        progress.reading("guía.pdf")
        progress.indexing(3)
    assert screen.getvalue() == ""
