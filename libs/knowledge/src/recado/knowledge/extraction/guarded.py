"""Reading a PDF or DOCX in a process of its own, within bounds.

Such files are programs of sorts: some kilobytes can unfold to gigabytes, or to hours of work, and
their parsers are large. So they are parsed in a child process (`worker`) that the kernel holds to
an address space (READER_MEMORY_BYTES), to processor time in all (READER_TIME) and without a page
(PAGE_TIME). The child gets no environment but what Python needs to start, so no secret either.
It writes what it reads as JSON Lines, a section each, and waits while nobody reads them: the
parent holds some sections at a time. Whatever becomes of the child, the parent raises
InvalidDocument with the reason and goes on.
"""

import importlib.util
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from recado.knowledge.errors import InvalidDocument
from recado.knowledge.extraction.limits import PAGE_TIME, READER_MEMORY_BYTES, READER_TIME
from recado.knowledge.model import Section

NEEDED: Final = ("mammoth", "pdfplumber")
_KEPT: Final = ("PATH", "PYTHONPATH", "VIRTUAL_ENV", "HOME")
_END_PATIENCE: Final = 10.0


@dataclass(frozen=True, slots=True)
class Read:
    """What the child says first. None where the file does not say it."""

    title: str | None
    language: str | None
    sections: Iterator[Section]


def read_guarded(path: Path, media_type: str, name: str) -> Read:
    """Start reading. Raises InvalidDocument at once if nothing of the file can be read, the
    sections' iterator if it fails later. Ending or closing the iterator ends the child."""
    for module in NEEDED:
        if importlib.util.find_spec(module) is None:
            raise ModuleNotFoundError(f"{module} is missing: recado-knowledge[extraction]")
    told = _told(path, media_type, name)
    first = next(told)
    return Read(first["title"], first["language"], _sections(told))


def _sections(told: Iterator[Any]) -> Iterator[Section]:
    for each in told:
        yield Section(tuple(each["path"]), each["text"], each["page"])


def _told(path: Path, media_type: str, name: str) -> Iterator[Any]:
    environment = {key: os.environ[key] for key in _KEPT if key in os.environ}
    module = "recado.knowledge.extraction.worker"
    with subprocess.Popen(  # noqa: S603  # our own interpreter, no shell
        [sys.executable, "-P", "-m", module, media_type, os.fspath(path.absolute())],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        text=True,
        encoding="ascii",
    ) as child:
        try:
            ended = False
            for line in child.stdout or ():
                told = json.loads(line)
                if refused := told.get("refused"):
                    raise InvalidDocument(name, refused)
                ended = "end" in told
                if not ended:
                    yield told
            code = child.wait(timeout=_END_PATIENCE)
            if not ended:
                raise InvalidDocument(name, _why(code))
        finally:
            child.kill()


def _why(code: int) -> str:
    if code == -signal.SIGPROF:
        told = f"a page took more than {PAGE_TIME.total_seconds():.0f} s"
    elif code in {-signal.SIGXCPU, -signal.SIGKILL}:
        told = f"it took more than {READER_TIME.total_seconds() / 60:.0f} minutes or its memory"
    elif code < 0:
        told = f"its reader ended with signal {-code}"
    else:
        told = f"its reader ended with status {code}"
    return f"could not be read within bounds: {told}"


def out_of_memory() -> str:
    """What the child says when it has reached its bound."""
    return (
        "could not be read within bounds: it needs more than"
        f" {READER_MEMORY_BYTES // 1024 // 1024:,} MiB of memory"
    )
