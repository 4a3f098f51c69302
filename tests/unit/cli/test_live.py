"""What runs, as a person sees it on a terminal and in a file."""

import io

from rich.console import Console

from recado.cli.live import StackView, table
from recado.devstack.stack.part import PartState, PartStatus

HEALTHY = PartStatus("ingress", "http://127.0.0.1:9000", PartState.HEALTHY, "", ("all well",))
DEAD = PartStatus(
    "rag", "http://127.0.0.1:9001", PartState.DEAD, "", tuple(f"line {n}" for n in range(1, 11))
)


def recording(*, terminal: bool) -> Console:
    return Console(record=True, file=io.StringIO(), width=100, force_terminal=terminal)


def test_a_dead_part_is_shown_with_its_last_lines_and_a_healthy_one_without() -> None:
    console = recording(terminal=True)
    console.print(table((HEALTHY, DEAD), "Try: recado ask"))
    shown = console.export_text()
    assert "rag died; its last lines" in shown
    assert "line 3" in shown
    assert "line 10" in shown
    assert "line 2" not in shown
    assert "all well" not in shown
    assert shown.rstrip().endswith("Try: recado ask")


def test_a_part_that_died_without_a_word_says_so() -> None:
    console = recording(terminal=True)
    console.print(table((PartStatus("rag", "", PartState.DEAD, "", ()),), ""))
    assert "it wrote nothing" in console.export_text()


def test_what_a_log_says_is_never_taken_for_markup() -> None:
    console = recording(terminal=True)
    console.print(table((PartStatus("rag", "", PartState.DEAD, "", ("[/] [red]topic[0]",)),), ""))
    assert "[/] [red]topic[0]" in console.export_text()


def test_elsewhere_than_on_a_terminal_each_change_is_one_line() -> None:
    """A look at which nothing changed prints nothing; a death prints its last lines."""
    console = recording(terminal=False)
    parts = [HEALTHY]
    with StackView(console, lambda: parts) as view:
        view.refresh()
        parts[0] = PartStatus("ingress", HEALTHY.address, PartState.DEAD, "", ("no Kafka",))
        view.refresh()
        view.refresh()
    lines = [" ".join(line.split()) for line in console.export_text().splitlines()]
    assert lines == [
        "ingress healthy http://127.0.0.1:9000",
        "ingress dead http://127.0.0.1:9000",
        "| no Kafka",
    ]
