"""A supervised child process.

What is promised:
- It runs in its own session and process group, so Ctrl-C in the terminal reaches only the parent.
- stdout and stderr go to one log file; the log of the run before is kept as `<log>.1`.
  Within one run the log is not bounded.
- `start` returns only when the caller's probe says it is ready, else it raises StartFailed with
  the last lines of the log, and nothing of the process is left.
- `stop` is SIGTERM, then SIGKILL after a grace, to the whole group.
- No process is left behind, also when the parent is killed with SIGKILL (see _leash.py).

Nothing here is bound to one event loop: a process started in one loop may be stopped in another.
"""

import asyncio
import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path

from recado.devstack.stack.errors import StartFailed

Probe = Callable[[], Awaitable[bool]]
"""Says whether the process is ready for work. Must not raise; should answer within a second."""

START_TIMEOUT = timedelta(seconds=60)
STOP_GRACE = timedelta(seconds=15)
LAST_LINES = 20

_LEASH = Path(__file__).with_name("_leash.py")
_POLL = 0.05  # seconds between two looks at a process
_TAIL_BYTES = 64 * 1024
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class ChildProcess:
    """One command that this process starts, watches and ends. `name` is for messages."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        log: Path,
        environment: Mapping[str, str] | None = None,
        directory: Path | None = None,
        kernel_leash: bool = True,
    ) -> None:
        """`environment` replaces the parent's altogether; None inherits it.

        `kernel_leash=False` takes the portable leash where the kernel has one, too.
        """
        self.name = name
        self.command = tuple(command)
        self.log = log
        self.environment = environment
        self.directory = directory
        self._kernel_leash = kernel_leash and sys.platform == "linux"
        self._process: subprocess.Popen[bytes] | None = None
        self._lifeline: int | None = None
        self._group_ended = True

    @property
    def pid(self) -> int | None:
        """Process id of the command itself; None before the first start."""
        return self._process.pid if self._process else None

    @property
    def running(self) -> bool:
        if self._process is None or self._process.poll() is not None:
            self._end_group()
            return False
        return True

    @property
    def exit_code(self) -> int | None:
        """As in subprocess: negative is the signal that ended it; None while it runs."""
        return None if self.running or self._process is None else self._process.returncode

    def last_lines(self, count: int = LAST_LINES) -> tuple[str, ...]:
        """End of the log, oldest line first, without colours; empty if nothing was written."""
        try:
            with self.log.open("rb") as log:
                size = log.seek(0, os.SEEK_END)
                log.seek(max(0, size - _TAIL_BYTES))
                text = log.read().decode(errors="replace")
        except (FileNotFoundError, NotADirectoryError):
            return ()
        return tuple(_COLOUR.sub("", text).splitlines()[-count:])

    async def start(self, ready: Probe, timeout: timedelta = START_TIMEOUT) -> None:
        """Start the command and wait until `ready` says yes. Raises StartFailed."""
        already = self.running
        if already:
            raise StartFailed(self.name, "runs already", ())
        self._spawn()
        handed_over = False
        try:
            async with asyncio.timeout(timeout.total_seconds()):
                while not await ready():
                    if not self.running:
                        reason = f"ended with exit code {self.exit_code} before it was ready"
                        raise StartFailed(self.name, reason, self.last_lines())
                    await asyncio.sleep(_POLL)
            handed_over = True
        except TimeoutError:
            reason = f"was not ready within {timeout.total_seconds():g} s"
            raise StartFailed(self.name, reason, self.last_lines()) from None
        finally:
            # Also on cancellation: what the caller was not given must not go on.
            if not handed_over:
                await self.kill9()

    async def run(self, timeout: timedelta) -> None:
        """Run the command to its end. Raises StartFailed unless it ends in time with 0."""
        self._spawn()
        try:
            if not await self.wait(timeout):
                reason = f"did not end within {timeout.total_seconds():g} s"
                raise StartFailed(self.name, reason, self.last_lines())
            if self.exit_code != 0:
                reason = f"ended with exit code {self.exit_code}"
                raise StartFailed(self.name, reason, self.last_lines())
        finally:
            await self.kill9()

    async def wait(self, timeout: timedelta) -> bool:
        """Wait for the end of the process; False if it still runs after `timeout`."""
        try:
            async with asyncio.timeout(timeout.total_seconds()):
                while self.running:  # noqa: ASYNC110 - the kernel sets no asyncio.Event
                    await asyncio.sleep(_POLL)
        except TimeoutError:
            return False
        return True

    async def stop(self, grace: timedelta = STOP_GRACE) -> None:
        """SIGTERM, and SIGKILL after `grace`; returns when the process is gone. May be repeated."""
        try:
            if self.running:
                self._signal(signal.SIGTERM)
                self._signal(signal.SIGCONT)  # a suspended process would never see the SIGTERM
                await self.wait(grace)
        finally:
            await self.kill9()

    async def kill9(self) -> None:
        """SIGKILL to the process and its group; returns when it is gone. May be repeated."""
        if self._process is None:
            return
        self._signal(signal.SIGKILL)
        # It ends within milliseconds; not awaited, for a second cancellation would leave it behind.
        self._process.wait()
        self._end_group()

    async def restart(self, ready: Probe, timeout: timedelta = START_TIMEOUT) -> None:
        """`stop`, then `start`."""
        await self.stop()
        await self.start(ready, timeout)

    def suspend(self) -> None:
        """SIGSTOP: it keeps its connections and answers nothing until `resume`."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        self._signal(signal.SIGCONT)

    def _spawn(self) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists():
            self.log.replace(self.log.with_name(self.log.name + ".1"))
        # The kernel's leash is tied to the thread that forks: a short-lived one would cut it.
        kernel = self._kernel_leash and threading.current_thread() is threading.main_thread()
        read_end = -1
        if not kernel:
            read_end, self._lifeline = os.pipe()
        leash = [sys.executable, "-I", "-S", str(_LEASH), str(os.getpid()), str(read_end)]
        try:
            with self.log.open("ab") as log:  # appending, so that it may be truncated
                self._process = subprocess.Popen(
                    [*leash, *self.command],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env=self.environment,
                    cwd=self.directory,
                    start_new_session=True,
                    pass_fds=() if kernel else (read_end,),
                )
            self._group_ended = False
        finally:
            if read_end >= 0:
                os.close(read_end)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self.running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    def _end_group(self) -> None:
        """Once, at the first sight of the leader's end: later its number may be somebody else's."""
        if self._process is None or self._group_ended:
            return
        self._group_ended = True
        # macOS says EPERM where only zombies are left.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        if self._lifeline is not None:
            with contextlib.suppress(BrokenPipeError):
                os.write(self._lifeline, b".")
            os.close(self._lifeline)
            self._lifeline = None
