"""One part of the stack: something with a name, an address, a state and last lines.

`ProcessPart` is a part that runs here, `ExternalPart` one that the environment's address replaces.
"""

import abc
import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from recado.devstack.stack.errors import AddressRefused
from recado.devstack.stack.ports import ensure_free
from recado.devstack.stack.process import START_TIMEOUT, ChildProcess


class PartState(StrEnum):
    WAITING = "waiting"
    """Not started yet."""
    STARTING = "starting"
    HEALTHY = "healthy"
    """Was ready at the last look."""
    UNREADY = "unready"
    """Runs, but said at the last look that it can't work now."""
    DEAD = "dead"
    """Was started and is gone, though nobody stopped it."""
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class PartStatus:
    """What a table shows of a part. `last_lines` is the end of its log, oldest line first."""

    name: str
    address: str
    state: PartState
    note: str
    last_lines: tuple[str, ...]


class Part(abc.ABC):
    """What the stack needs of each part. `describe` says what a user should know of it."""

    def __init__(self, name: str, address: str, note: str = "") -> None:
        self.name = name
        self.address = address
        self._note = note
        self._state = PartState.WAITING

    def state(self) -> PartState:
        """State at the last look; a death is seen at once."""
        return self._state

    @abc.abstractmethod
    async def start(self) -> None:
        """Return when the part is ready. Raises a StackError, and then nothing of it runs."""

    @abc.abstractmethod
    async def stop(self) -> None:
        """Return when nothing of the part runs. May be repeated."""

    @abc.abstractmethod
    async def is_ready(self) -> bool:
        """Ask the part whether it can work now. Does not raise; about a second at most."""

    async def look(self) -> PartState:
        """Ask again whether the part is ready, and return its state then."""
        if self.state() in (PartState.HEALTHY, PartState.UNREADY):
            ready = await self.is_ready()
            if self.state() in (PartState.HEALTHY, PartState.UNREADY):  # it may have been stopped
                self._state = PartState.HEALTHY if ready else PartState.UNREADY
        return self.state()

    def last_lines(self) -> tuple[str, ...]:
        """End of its log, oldest line first; empty for a part that runs elsewhere."""
        return ()

    def describe(self) -> str:
        """What a user should know of this part, such as what it does not promise; often empty."""
        return self._note

    def status(self) -> PartStatus:
        return PartStatus(self.name, self.address, self.state(), self.describe(), self.last_lines())


class ProcessPart(Part):
    """A part that is one child process."""

    def __init__(
        self,
        name: str,
        address: str,
        process: ChildProcess,
        *,
        ports: Sequence[int],
        note: str = "",
        start_timeout: timedelta = START_TIMEOUT,
    ) -> None:
        super().__init__(name, address, note)
        self.process = process
        self._ports = tuple(ports)
        self._start_timeout = start_timeout

    def state(self) -> PartState:
        alive = (PartState.HEALTHY, PartState.UNREADY)
        if self._state in alive and not self.process.running:
            return PartState.DEAD
        return self._state

    async def start(self) -> None:
        """As promised by Part; also after `stop`, `kill9` or a death, with the same data."""
        self._state = PartState.STARTING
        try:
            await self.prepare()
            self.ensure_ports_free()
            await self.process.start(self.is_ready, self._start_timeout)
        except asyncio.CancelledError:
            self._state = PartState.STOPPED
            raise
        except BaseException:
            self._state = PartState.DEAD
            raise
        self._state = PartState.HEALTHY

    def ensure_ports_free(self) -> None:
        """Raise PortTaken if somebody else listens where this part would."""
        for port in self._ports:
            ensure_free(self.name, port)

    async def prepare(self) -> None:
        """What must be done before the process can start. Repeated at each start."""
        return

    async def stop(self) -> None:
        before = self.state()
        await self.process.stop()
        self._state = _after_stop(before)

    async def kill9(self) -> None:
        """SIGKILL, as a crash does it. The part is dead then; `start` brings it back."""
        await self.process.kill9()

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    def last_lines(self) -> tuple[str, ...]:
        return self.process.last_lines()


class ExternalPart(Part):
    """A part that runs elsewhere, at an address from the environment. Never stopped from here."""

    def __init__(
        self, name: str, address: str, *, variable: str, probe: Callable[[], Awaitable[bool]]
    ) -> None:
        """`variable` is the environment's name that gave the address."""
        super().__init__(name, address, f"from {variable}")
        self._variable = variable
        self._probe = probe

    async def start(self) -> None:
        """Look once. Raises AddressRefused when nothing answers."""
        self._state = PartState.STARTING
        if not await self.is_ready():
            self._state = PartState.DEAD
            raise AddressRefused(self.name, self._variable)
        self._state = PartState.HEALTHY

    async def stop(self) -> None:
        self._state = _after_stop(self._state)

    async def is_ready(self) -> bool:
        return await self._probe()


def _after_stop(before: PartState) -> PartState:
    # What was dead stays dead, so that it can still be shown why.
    kept = (PartState.WAITING, PartState.DEAD)
    return before if before in kept else PartState.STOPPED
