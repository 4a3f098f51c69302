"""Run a command that dies with the process which started it. Executed as a script, see process.py.

    python -I -S _leash.py PARENT_PID LIFELINE_FD COMMAND [ARGUMENT...]

The command replaces this process, so its process id is this one's. LIFELINE_FD is -1 on Linux
from a main thread: there the kernel itself sends SIGKILL when the parent is gone
(prctl PR_SET_PDEATHSIG, see prctl(2); it is kept across execve). Elsewhere LIFELINE_FD is the read
end of a pipe whose write end only the parent holds: a small watcher process waits for its end and
then kills the command's process group. One byte in the pipe tells the watcher to go in peace.

Only the standard library, and as little of it as can be: this runs before every child.
"""

import os
import sys

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
_SIGKILL = 9


def _die_with_parent(parent: int) -> None:
    import ctypes

    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, _SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it died before the kernel was asked
        os._exit(1)


def _watch(lifeline: int) -> None:
    group = os.getpgrp()
    if os.fork():
        os.close(lifeline)
        return
    os.setsid()  # out of the group, so that a signal to the group spares the watcher
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    if os.read(lifeline, 1) == b"":
        try:  # noqa: SIM105 - contextlib would cost every start its import
            os.killpg(group, _SIGKILL)
        except ProcessLookupError:
            pass
    os._exit(0)


def main() -> None:
    parent, lifeline, command = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    if lifeline < 0:
        _die_with_parent(parent)
    else:
        _watch(lifeline)
    try:
        os.execvp(command[0], command)  # noqa: S606 - the command is the caller's own
    except OSError as error:
        sys.stderr.write(f"cannot run {command[0]}: {error.strerror}\n")
        os._exit(127)


main()
