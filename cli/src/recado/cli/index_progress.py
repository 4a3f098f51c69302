"""The bars that `recado index` shows: documents as they are submitted, records as they are indexed.

Below the documents stands the file that is read, with the parts of it that Kafka has.
"""

from types import TracebackType
from typing import Self

from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from recado.cli.documents import Change
from recado.cli.output import errors


class IndexProgress:
    """A context in which the bars are shown, on stderr. `quiet` shows none."""

    def __init__(self, documents: int, *, quiet: bool) -> None:
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("[dim]{task.fields[now]}"),
            console=errors,
            transient=True,
            disable=quiet,
        )
        self._submitting = self._bars.add_task("Submitting", total=documents, now="")
        self._indexing = self._bars.add_task("Indexing", total=None, visible=False, now="records")
        self._most = 0

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bars.stop()

    def reading(self, source: str) -> None:
        """A file is being read."""
        self._bars.update(self._submitting, now=escape(source))

    def part(self, change: Change, parts: int) -> None:
        """Kafka has so many parts of a large file."""
        self._bars.update(self._submitting, now=f"{escape(change.source)}: {parts} parts")

    def done(self, documents: int = 1) -> None:
        """So many documents more are dealt with."""
        self._bars.update(self._submitting, advance=documents, now="")

    def indexing(self, left: int) -> None:
        """The indexer has so many records still before it."""
        self._most = max(self._most, left)
        self._bars.update(
            self._indexing,
            total=self._most,
            completed=self._most - left,
            visible=self._most > 0,  # it may be quicker than the first look
        )
