"""What a replay gave: the file, one JSON document a line, and what is shown of it."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from pydantic import JsonValue
from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from recado.cli.event_lines import one_line
from recado.cli.output import CliError, local_time
from recado.cli.replay.past import Past
from recado.cli.texts import around_difference, duration, shortened
from recado.rag.replay.cases import Variation
from recado.rag.replay.comparing import Comparison, Counts, lowered_by, question
from recado.schemas.answers import AnswerGenerated

SHOWN = 280
"""Characters of an answer, unless it is asked for whole."""


@contextmanager
def results_file(path: Path | None, *, force: bool) -> Iterator[TextIO | None]:
    """A file that is written line by line, so that what is there is whole whenever it ends.

    Raises `CliError` where it exists already, unless `force`, and where it can't be written.
    """
    if path is None:
        yield None
        return
    try:
        stream = path.open("w" if force else "x", encoding="utf-8")
    except FileExistsError:
        raise CliError(f"{path} exists; --force replaces it.") from None
    except OSError as error:
        raise CliError(f"{path} can't be written: {error.strerror}") from error
    with stream:
        yield stream


def write(stream: TextIO, comparison: Comparison) -> None:
    """One line, on its way to the disk when this returns. Raises `CliError`."""
    try:
        stream.write(json.dumps(comparison.as_json(), ensure_ascii=False) + "\n")
        stream.flush()
    except OSError as error:
        raise CliError(f"{stream.name} can't be written: {error.strerror}") from error


def as_json(
    comparisons: Sequence[Comparison], past: Past, variation: Variation
) -> dict[str, JsonValue]:
    """For programs: how it was varied, how many of each, and each one."""
    counts = Counts.of(comparisons)
    return {
        "variation": {
            **variation.model_dump(mode="json", exclude={"prompt"}),
            "prompt": None if variation.prompt is None else variation.prompt.name,
        },
        "counts": {name: getattr(counts, name) for name in Counts.__slots__},
        "left_out": past.left_out,
        "messages_gone": past.messages_gone,
        "results": [one.as_json() for one in comparisons],
    }


def show(
    comparisons: Sequence[Comparison],
    past: Past,
    variation: Variation,
    screen: Console,
    *,
    full: bool,
) -> None:
    """The changed ones side by side, then how many of each."""
    for one in comparisons:
        if not one.same:
            screen.print(_beside(one, full=full))
    screen.print(_counts(comparisons, past, variation))


def _beside(one: Comparison, *, full: bool) -> RenderableType:
    then, now = one.case.answer, one.outcome.now
    changed = ", ".join(change.value for change in one.changes) or "no answer"
    head = Text.assemble(
        (f"{local_time(then.occurred_at)}  ", "dim"),
        (one_line(then.conversation), "cyan"),
        f"  {changed}",
        style="bold",
    )
    asked = Text(shortened(question(one.case), None if full else SHOWN))
    notes = [asked]
    if (reason := lowered_by(then)) is not None:
        notes.append(Text(f"Then on a lower rung, for something failed: {reason}", style="yellow"))
    if one.delivery != "delivered":
        notes.append(Text(f"Then: {one.delivery or 'delivery not known'}", style="yellow"))
    sides = Table(box=box.SIMPLE_HEAD, expand=True, header_style="bold", padding=(0, 1))
    sides.add_column("then", ratio=1, overflow="fold")
    sides.add_column("now", ratio=1, overflow="fold")
    missing = Text(one.outcome.problem or "no answer", style="red")
    sides.add_row(_facts(then), _facts(now) if now is not None else missing)
    if now is not None:
        texts = (shortened(then.text, None), shortened(now.text, None))
        if not full:
            texts = around_difference(*texts, SHOWN)
        sides.add_row(*(Text(text) for text in texts))
    return Group(head, *notes, sides)


def _facts(answer: AnswerGenerated) -> Text:
    """Rung, citations, tokens and time, each on a line."""
    sources = ", ".join(f"[{one.number}] {one_line(one.source)}" for one in answer.citations)
    lines = [Text(answer.rung.value, style="cyan"), Text(sources or "no source", style="dim")]
    made_by = answer.model or "no model"
    if answer.usage is not None:
        usage = answer.usage
        written = usage.output_tokens + usage.thinking_tokens
        made_by += f", {usage.prompt_tokens} + {written} tokens"
    lines.append(Text(f"{made_by}, {duration(answer.timings.total)}", style="dim"))
    return Text("\n").join(lines)


def _counts(comparisons: Sequence[Comparison], past: Past, variation: Variation) -> RenderableType:
    counts = Counts.of(comparisons)
    failed = ", ".join(dict.fromkeys(one.failed_now for one in comparisons if one.failed_now))
    rows = Table.grid(padding=(0, 2))
    rows.add_column(justify="right", style="bold")
    rows.add_column(overflow="fold")
    rows.add_row(str(counts.replayed), f"answers replayed: {_named(variation)}")
    rows.add_row(str(counts.same), Text("same", style="green"))
    rows.add_row(str(counts.changed), Text("changed", style="yellow" if counts.changed else ""))
    rows.add_row(str(counts.rung_changed), "  on another rung")
    rows.add_row(str(counts.citations_changed), "  with other citations")
    for number, name in (
        (counts.without_answer, "without an answer now"),
        (counts.lowered_then, "on a lower rung then, for something failed"),
        (counts.lowered_now, f"on a lower rung now, for something failed: {one_line(failed)}"),
        (past.messages_gone, "left out, for a message of theirs is gone from its topic"),
        (past.left_out, "earlier ones left out; --limit takes more"),
    ):
        if number:
            rows.add_row(str(number), Text(name, style="yellow"))
    return rows


def _named(variation: Variation) -> str:
    parts = [variation.answerer.value, f"retrieval {variation.retrieval.value}"]
    if variation.passages is not None:
        parts.append(f"n = {variation.passages}")
    if variation.model is not None:
        parts.append(f"model {variation.model}")
    if variation.prompt is not None:
        parts.append(f"prompt {variation.prompt.name}")
    return ", ".join(parts)
