"""One `recado replay`: read, answer once more, compare, write, show."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from recado.cli.output import console, errors, print_json
from recado.cli.replay import results
from recado.cli.replay.past import Past, Selection, past_of, refuse_more_than_recorded
from recado.cli.replay.process import replay_apart
from recado.cli.settings import ENVIRONMENT_FILE
from recado.rag.replay.cases import Order, Outcome
from recado.rag.replay.comparing import Comparison
from recado.servicekit.settings import KafkaSettings


@dataclass(frozen=True, slots=True)
class Replay:
    """What is asked for."""

    selection: Selection
    order: Order
    out: Path | None = None
    force: bool = False
    full: bool = False
    as_json: bool = False


async def work(settings: KafkaSettings, wanted: Replay) -> None:
    """Do it. When it is interrupted the file holds what was answered so far."""
    variation = wanted.order.variation
    with results.results_file(wanted.out, force=wanted.force) as stream:
        past = await past_of(settings, wanted.selection)
        refuse_more_than_recorded(past, variation)
        comparisons: list[Comparison] = []
        with Progress(
            TextColumn("Replaying"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=errors,
            transient=True,
        ) as progress:
            bar = progress.add_task("replay", total=len(past.cases))

            def done(outcome: Outcome) -> None:
                case = past.cases[len(comparisons)]
                delivery = past.deliveries.get(case.answer.id)
                comparisons.append(Comparison(case, outcome, delivery))
                if stream is not None:
                    results.write(stream, comparisons[-1])
                progress.update(bar, completed=len(comparisons))

            order = wanted.order.model_copy(update={"environment_file": ENVIRONMENT_FILE})
            try:
                await replay_apart(past.cases, order, done)
            finally:
                if len(comparisons) < len(past.cases) and wanted.out is not None:
                    errors.print(
                        f"{len(comparisons)} of {len(past.cases)} are in {wanted.out}",
                        markup=False,
                        soft_wrap=True,
                    )
    _show(comparisons, past, wanted)


def _show(comparisons: Sequence[Comparison], past: Past, wanted: Replay) -> None:
    variation = wanted.order.variation
    if wanted.as_json:
        print_json(results.as_json(comparisons, past, variation))
        return
    results.show(comparisons, past, variation, console, full=wanted.full)
    if wanted.out is not None:
        console.print(f"Written to {wanted.out}", markup=False, soft_wrap=True)
