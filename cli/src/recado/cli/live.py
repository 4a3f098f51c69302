"""What runs: one live table on a terminal, one line per change elsewhere."""

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from recado.devstack.stack.part import PartState, PartStatus

STYLES = {
    PartState.WAITING: "dim",
    PartState.STARTING: "yellow",
    PartState.HEALTHY: "green",
    PartState.UNREADY: "yellow",
    PartState.DEAD: "bold red",
    PartState.STOPPED: "dim",
}
SHOWN_LINES = 8


def table(parts: Sequence[PartStatus], hint: str) -> RenderableType:
    """Every part with its address and state, the last lines of the dead, the next thing to try."""
    rows = Table(title="Recado", title_justify="left", header_style="bold")
    for column in ("part", "address", "state", "note"):
        rows.add_column(column, overflow="fold")
    for part in parts:
        rows.add_row(
            part.name,
            Text(part.address),
            Text(part.state.value, style=STYLES[part.state]),
            Text(part.note, style="dim"),
        )
    dead = [
        Panel(
            Text("\n".join(part.last_lines[-SHOWN_LINES:]) or "it wrote nothing"),
            title=Text(f"{part.name} died; its last lines"),
            title_align="left",
            border_style="red",
        )
        for part in parts
        if part.state is PartState.DEAD
    ]
    return Group(rows, *dead, Text(hint))


class StackView:
    """Shows the parts of a stack while it starts and runs."""

    def __init__(
        self, console: Console, parts: Callable[[], Sequence[PartStatus]], *, passing: bool = False
    ) -> None:
        """With `passing` the table goes away in the end."""
        self._console = console
        self._parts = parts
        self._hint = ""
        self._states: dict[str, PartState] = {}
        self._live = (
            Live(console=console, auto_refresh=False, transient=passing)
            if console.is_terminal
            else None
        )

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        self.refresh()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._live:
            self.refresh()
            self._live.stop()

    def hint(self, text: str) -> None:
        """Say what to try next, below the table."""
        self._hint = text
        if not self._live and text:
            self._console.print(Text(text))
        self.refresh()

    def refresh(self) -> None:
        """Show how things are now."""
        parts = self._parts()
        if self._live:
            self._live.update(table(parts, self._hint), refresh=True)
            return
        for part in parts:
            if self._states.get(part.name) is part.state:
                continue
            self._states[part.name] = part.state
            if part.state is PartState.WAITING:
                continue
            self._console.print(Text(f"{part.name:<12} {part.state.value:<9} {part.address}"))
            if part.state is PartState.DEAD:
                for line in part.last_lines[-SHOWN_LINES:]:
                    self._console.print(Text(f"             | {line}"))
