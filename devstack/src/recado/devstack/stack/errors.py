"""What can go wrong with a part of the stack.

StackError
├── StartFailed      a process ended or was not ready in time; carries its last lines
├── PortTaken        somebody else listens there
├── AddressRefused   the address given in the environment does not answer
├── MissingComponent something must be installed first; says what
├── NoFreePort       the search for a port below the ephemeral range found none
└── StateUnusable    data, logs and addresses can't be written to the state directory
"""

from collections.abc import Sequence
from pathlib import Path


class StackError(Exception):
    """Root of all errors of the embedded stack."""


class StartFailed(StackError):
    """A part did not become ready. `last_lines` is the end of its log, oldest line first."""

    def __init__(self, part: str, reason: str, last_lines: Sequence[str]) -> None:
        self.part = part
        self.reason = reason
        self.last_lines = tuple(last_lines)
        shown = "\n".join(f"    {line}" for line in self.last_lines) or "    (it wrote nothing)"
        super().__init__(f"{part} {reason}; its last lines:\n{shown}")


class PortTaken(StackError):
    """Another process listens on the port that the part was given."""

    def __init__(self, part: str, port: int) -> None:
        self.part = part
        self.port = port
        super().__init__(
            f"{part} wants port {port}, but something listens there already: "
            "stop that, or give this part another port"
        )


class AddressRefused(StackError):
    """The address that replaces an embedded part does not answer."""

    def __init__(self, part: str, variable: str) -> None:
        self.part = part
        self.variable = variable
        super().__init__(f"{part}: nothing answers at the address given in {variable}")


class MissingComponent(StackError):
    """A program that the part is made of is not on this machine."""

    def __init__(self, part: str, install: str) -> None:
        self.part = part
        self.install = install
        super().__init__(f"{part} is not on this machine: {install}")


class NoFreePort(StackError):
    """Every port that was tried is taken."""


class StateUnusable(StackError):
    """The state directory can't be written to."""

    def __init__(self, directory: Path, reason: str) -> None:
        self.directory = directory
        super().__init__(f"the state directory {directory} can't be written to: {reason}")
