"""The process that answers, seen from outside: cases in, outcomes out, in their order."""

import asyncio
import os
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta

from recado.cli.output import CliError
from recado.rag.replay import apart
from recado.rag.replay.cases import Case, Order, Outcome

PATIENCE = timedelta(minutes=10)
"""No outcome for so long means that none will come; an answer of a model takes seconds."""

LONGEST_LINE = 64 * 1024 * 1024
ENDING = timedelta(seconds=5)


async def replay_apart(
    cases: Sequence[Case], order: Order, done: Callable[[Outcome], None]
) -> None:
    """Call `done` with the outcome of each case, in their order.

    Raises `CliError` with what the process said when it can't answer. It ends with this call, also
    when that is cancelled.
    """
    process = await asyncio.create_subprocess_exec(
        *apart.command(order),
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        limit=LONGEST_LINE,
        env=apart.environment(os.environ, order),
    )
    try:
        said = await _exchange(process, cases, done)
        async with asyncio.timeout(ENDING.total_seconds()):
            status = await process.wait()
    except TimeoutError:
        raise CliError("The replaying process has stopped answering.") from None
    finally:
        await _end(process)
    if status:
        raise CliError(said or f"The replaying process ended with status {status}.")


async def _exchange(
    process: Process, cases: Sequence[Case], done: Callable[[Outcome], None]
) -> str:
    """Feed and read until the process closes its output; the last that it said on stderr."""
    failure: CliError | None = None
    outcomes = 0
    async with asyncio.TaskGroup() as tasks:
        said = tasks.create_task(_last_line(process))
        tasks.create_task(_feed(process, cases))
        try:
            while line := await _line(process):
                done(Outcome.model_validate_json(line))
                outcomes += 1
        except TimeoutError:
            failure = CliError("The replaying process has stopped answering.")
            process.kill()
        except CliError as error:
            failure = error
            process.kill()
    if failure is not None:
        raise failure
    if outcomes < len(cases):
        return said.result() or "The replaying process ended before it had answered everything."
    return said.result()


async def _feed(process: Process, cases: Sequence[Case]) -> None:
    """No faster than cases are taken. A process that is gone says why by itself."""
    if process.stdin is None:
        raise RuntimeError("the replaying process was started without a pipe")
    with suppress(BrokenPipeError, ConnectionResetError):
        for case in cases:
            process.stdin.write(case.model_dump_json().encode() + b"\n")
            await process.stdin.drain()
        process.stdin.close()


async def _line(process: Process) -> bytes:
    if process.stdout is None:
        raise RuntimeError("the replaying process was started without a pipe")
    async with asyncio.timeout(PATIENCE.total_seconds()):
        return await process.stdout.readline()


async def _last_line(process: Process) -> str:
    """Of all that it says: an error is a sentence, or the end of a traceback."""
    if process.stderr is None:
        raise RuntimeError("the replaying process was started without a pipe")
    last: deque[str] = deque(maxlen=1)
    async for line in process.stderr:
        if text := line.decode(errors="replace").strip():
            last.append(text)
    return last[0] if last else ""


async def _end(process: Process) -> None:
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
