"""A child process is ready, or explained; and it never outlives its owner."""

import asyncio
import os
import signal
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from recado.devstack.stack.errors import StartFailed
from recado.devstack.stack.process import ChildProcess, Probe

SECONDS = timedelta(seconds=1)
PATIENCE = 20 * SECONDS  # a bound for what happens at once on an idle machine

SLEEP = "import time; time.sleep(600)"
DEAF = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    "print('deaf', flush=True); time.sleep(600)"
)
# Prints the id of a process of its own that lives as long.
PARENT_OF_ONE = (
    "import subprocess, sys, time; "
    f"child = subprocess.Popen([sys.executable, '-c', {SLEEP!r}]); "
    "print(child.pid, flush=True); time.sleep(600)"
)


def child(directory: Path, code: str, *, kernel_leash: bool = True) -> ChildProcess:
    return ChildProcess(
        "part",
        [sys.executable, "-c", code],
        log=directory / "part.log",
        kernel_leash=kernel_leash,
    )


async def at_once() -> bool:
    return True


async def never() -> bool:
    return False


def after_writing(process: ChildProcess) -> Probe:
    async def written() -> bool:
        return process.last_lines() != ()

    return written


def alive(pid: int) -> bool:
    """A zombie whose parent has not looked yet is dead."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(one) for one in listed.split()]


async def gone(pid: int) -> bool:
    for _ in range(int(PATIENCE.total_seconds() * 20)):
        if not alive(pid):
            return True
        await asyncio.sleep(0.05)
    return False


async def test_a_readiness_time_out_shows_the_last_lines_and_leaves_nothing(
    tmp_path: Path,
) -> None:
    process = child(tmp_path, f"print('opening the store', flush=True); {SLEEP}")
    with pytest.raises(StartFailed, match="was not ready within 2 s") as failure:
        await process.start(never, 2 * SECONDS)
    assert failure.value.last_lines == ("opening the store",)
    assert "opening the store" in str(failure.value)
    assert process.pid is not None
    assert not alive(process.pid)


async def test_an_early_end_is_told_at_once_with_its_exit_code_and_last_lines(
    tmp_path: Path,
) -> None:
    process = child(tmp_path, "import sys; print('no such file', file=sys.stderr); sys.exit(3)")
    with pytest.raises(StartFailed, match="exit code 3") as failure:
        await process.start(never, PATIENCE)
    assert failure.value.last_lines == ("no such file",)


async def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    process = ChildProcess("part", ["no-such-program"], log=tmp_path / "part.log")
    with pytest.raises(StartFailed, match="cannot run no-such-program"):
        await process.start(never, PATIENCE)


async def test_a_cancelled_start_leaves_nothing(tmp_path: Path) -> None:
    process = child(tmp_path, SLEEP)
    start = asyncio.create_task(process.start(never, PATIENCE))
    await asyncio.sleep(0)  # the command is started before the first wait for readiness
    assert process.running
    start.cancel()
    with pytest.raises(asyncio.CancelledError):
        await start
    assert process.pid is not None
    assert not alive(process.pid)


async def test_stop_kills_what_ignores_sigterm(tmp_path: Path) -> None:
    process = child(tmp_path, DEAF)
    await process.start(after_writing(process), PATIENCE)
    await process.stop(grace=SECONDS / 5)
    assert process.exit_code == -signal.SIGKILL


async def test_stop_lets_a_willing_process_end_by_itself(tmp_path: Path) -> None:
    process = child(
        tmp_path,
        "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: sys.exit(7)); "
        "print('willing', flush=True); time.sleep(600)",
    )
    await process.start(after_writing(process), PATIENCE)
    await process.stop()
    await process.stop()
    assert process.exit_code == 7


async def test_a_suspended_process_can_be_stopped(tmp_path: Path) -> None:
    process = child(tmp_path, SLEEP)
    await process.start(at_once)
    process.suspend()
    await process.stop(grace=PATIENCE)
    assert process.exit_code == -signal.SIGTERM


async def test_what_a_process_started_goes_with_it(tmp_path: Path) -> None:
    process = child(tmp_path, PARENT_OF_ONE)
    await process.start(after_writing(process), PATIENCE)
    grandchild = int(process.last_lines()[0])
    assert alive(grandchild)
    await process.kill9()
    assert await gone(grandchild)


async def test_what_a_process_started_goes_when_it_dies_by_itself(tmp_path: Path) -> None:
    process = child(tmp_path, PARENT_OF_ONE)
    await process.start(after_writing(process), PATIENCE)
    grandchild = int(process.last_lines()[0])
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    assert await process.wait(PATIENCE)
    assert await gone(grandchild)


async def test_a_restart_keeps_the_log_of_the_run_before(tmp_path: Path) -> None:
    process = child(tmp_path, f"import os; print(os.getpid(), flush=True); {SLEEP}")
    await process.start(after_writing(process), PATIENCE)
    first = process.pid
    await process.restart(after_writing(process), PATIENCE)
    assert process.pid != first
    assert process.last_lines() == (str(process.pid),)
    assert (tmp_path / "part.log.1").read_text() == f"{first}\n"
    await process.stop()


async def test_only_the_last_lines_are_shown(tmp_path: Path) -> None:
    process = child(tmp_path, "print('\\n'.join(str(n) for n in range(50_000)))")
    await process.run(PATIENCE)
    assert process.last_lines(2) == ("49998", "49999")


async def test_last_lines_are_without_colours(tmp_path: Path) -> None:
    """They go into tables and messages, which escape sequences would tear."""
    process = child(tmp_path, r"print('\x1b[31m\x1b[1merror\x1b[0m no Kafka')")
    await process.run(PATIENCE)
    assert process.last_lines() == ("error no Kafka",)


async def test_it_can_be_stopped_from_another_event_loop(tmp_path: Path) -> None:
    process = child(tmp_path, SLEEP)
    # A thread's process hangs on the portable leash; the thread is gone when it is used here.
    await asyncio.to_thread(asyncio.run, process.start(at_once))
    assert process.running
    await process.stop()
    assert not process.running


@pytest.mark.parametrize("kernel_leash", [True, False], ids=["kernel", "portable"])
async def test_no_process_is_left_when_the_parent_is_killed(
    tmp_path: Path, kernel_leash: bool
) -> None:
    if kernel_leash and sys.platform != "linux":
        pytest.skip("only Linux has PR_SET_PDEATHSIG; the portable way is tested beside")
    owner = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", OWNER, str(tmp_path), str(int(kernel_leash))),
        stdout=asyncio.subprocess.PIPE,
    )
    assert owner.stdout is not None
    owned = int(await owner.stdout.readline())
    assert alive(owned)
    owner.kill()
    await owner.communicate()
    assert await gone(owned)


OWNER = f"""
import asyncio, sys, time
from pathlib import Path
from recado.devstack.stack.process import ChildProcess

process = ChildProcess(
    "part",
    [sys.executable, "-c", {DEAF!r}],
    log=Path(sys.argv[1]) / "part.log",
    kernel_leash=sys.argv[2] == "1",
)

async def written():
    return process.last_lines() == ("deaf",)

asyncio.run(process.start(written))
print(process.pid, flush=True)
time.sleep(600)
"""


async def test_the_portable_leash_leaves_no_watcher_behind(tmp_path: Path) -> None:
    process = child(tmp_path, f"print('up', flush=True); {SLEEP}", kernel_leash=False)
    await process.start(after_writing(process), PATIENCE)
    assert process.pid is not None
    (watcher,) = children(process.pid)
    await process.stop()
    assert await gone(watcher)
