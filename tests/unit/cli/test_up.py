"""`recado up` in its parts: work that is shown, work that is stopped, what is told to programs."""

import asyncio
import io
from datetime import timedelta
from pathlib import Path

import pytest
from rich.console import Console

from recado.cli import topics
from recado.cli.demo import Asked
from recado.cli.documents import Plan
from recado.cli.live import StackView
from recado.cli.output import CliError
from recado.cli.up import _apply_topics, _shown, _unless, as_document
from recado.devstack.stack.part import PartState, PartStatus
from recado.knowledge.errors import InvalidDocument
from recado.servicekit.topics import Applied, PartitionCountDiffers

SOON = timedelta(milliseconds=1)


def part(state: PartState) -> PartStatus:
    return PartStatus("indexer", "http://127.0.0.1:9003", state, "", ("no space left",))


async def test_a_part_that_dies_while_work_goes_on_is_shown_dead_with_its_last_lines() -> None:
    """The knowledge base may take minutes to index; nobody should wait for a dead indexer."""
    screen = Console(record=True, file=io.StringIO(), width=100)
    parts = [part(PartState.HEALTHY)]
    seen = asyncio.Event()

    async def look() -> None:
        if parts[0].state is PartState.DEAD:
            seen.set()
        parts[0] = part(PartState.DEAD)

    async def indexing() -> str:
        await seen.wait()
        return "indexed"

    with StackView(screen, lambda: parts) as view:
        async with asyncio.timeout(10):
            assert await _shown(view, indexing(), every=SOON, look=look) == "indexed"
    shown = screen.export_text()
    assert "indexer      dead" in shown
    assert "no space left" in shown


async def test_work_that_is_told_to_stop_is_cancelled_to_its_end() -> None:
    stop, cleaned = asyncio.Event(), asyncio.Event()

    async def work() -> str:
        try:
            stop.set()
            await asyncio.sleep(3600)
        finally:
            cleaned.set()
        return "done"

    async with asyncio.timeout(10):
        assert await _unless(stop, work()) is None
    assert cleaned.is_set()


async def test_what_the_work_fails_with_is_raised() -> None:
    async def work() -> None:
        raise CliError("no topics")

    with pytest.raises(CliError, match="no topics"):
        await _unless(asyncio.Event(), work())


async def test_topics_that_can_not_be_applied_are_one_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Such as data of an older run with another number of partitions."""

    async def refusing(*_: object, **__: object) -> list[Applied]:
        raise PartitionCountDiffers("recado.messages", 3, 12)

    monkeypatch.setattr(topics, "apply", refusing)
    with pytest.raises(CliError, match=r"recado\.messages has 3 partitions"):
        await _apply_topics("127.0.0.1:1")


def test_for_programs_there_is_what_runs_what_was_refused_and_what_was_replied() -> None:
    plan = Plan(refused=[InvalidDocument("roto.md", "not UTF-8")])
    document = as_document((part(PartState.HEALTHY),), Path(".recado"), plan, Asked(failures=1))
    assert document == {
        "parts": [
            {
                "name": "indexer",
                "address": "http://127.0.0.1:9003",
                "state": "healthy",
                "note": "",
            }
        ],
        "environment_file": ".recado/environment",
        "refused": [{"source": "roto.md", "reason": "not UTF-8"}],
        "replies": [],
        "failures": 1,
    }
