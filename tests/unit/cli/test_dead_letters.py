"""Dead letters as a person sees them on a narrow terminal."""

from datetime import UTC, datetime

import pytest
from rich.console import Console

from recado.cli import output
from recado.cli.dead_letters import show_causes, show_plan
from recado.cli.letters import Letter, Letters, Plan

WIDTH = 80
LETTER = Letter(
    place=(0, 3),
    at=datetime(2026, 11, 22, 15, 30, tzinfo=UTC),
    topic="recado.messages",
    partition=11,
    offset=1_234_567,
    error="recado_lanes.errors.Permanent",
    message="not a recado.message.received.v1: value",
    redriven=0,
)


@pytest.mark.parametrize("terminal", [True, False], ids=["terminal", "pipe"])
def test_nothing_is_left_out_or_broken_on_80_columns(
    terminal: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cause, place and reason are what one looks for, also in a pager."""
    screen = Console(width=WIDTH, force_terminal=terminal, color_system=None)
    monkeypatch.setattr(output, "console", screen)
    found = Letters((LETTER,), frozenset(), others=0)
    with screen.capture() as captured:
        show_causes("recado.rag.dead-letters", found, as_json=False)
        show_plan(Plan((LETTER,), ()), really=False, as_json=False)
    shown = captured.get()
    for said in (LETTER.error, LETTER.origin):
        assert shown.count(said) == 2
    assert "not a recado.message.received.v1: value" in " ".join(shown.split())
    assert "would be sent back, time 1" in shown
    assert max(map(len, shown.splitlines())) <= WIDTH
