"""The child process of `guarded`: `python -m recado.knowledge.extraction.worker MEDIA_TYPE PATH`.

Standard output, a JSON object a line: the head (title, language), sections (path, text, page), and
at last either `end` or `refused` with the reason. What is missing at the end, the parent explains
by how the process ended.
"""

import json
import logging
import resource
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

from recado.knowledge.errors import InvalidDocument
from recado.knowledge.extraction.guarded import out_of_memory
from recado.knowledge.extraction.kinds import DOCX, PDF
from recado.knowledge.extraction.limits import PAGE_TIME, READER_MEMORY_BYTES, READER_TIME
from recado.knowledge.model import Section

_KINDS = {PDF: "PDF", DOCX: "DOCX"}


def main(media_type: str, path: str) -> None:
    bound()
    refused: str | None = None
    try:
        for said in _read(media_type, Path(path)):
            signal.setitimer(signal.ITIMER_PROF, PAGE_TIME.total_seconds())
            _say(
                said
                if isinstance(said, dict)
                else {"path": said.path, "text": said.text, "page": said.page}
            )
    except InvalidDocument as error:
        refused = error.reason
    except (MemoryError, RecursionError):
        refused = out_of_memory()
    except Exception as error:  # noqa: BLE001  # whatever a parser trips over, the file is the cause
        refused = f"not a readable {_KINDS[media_type]}: {type(error).__name__}"
    _say({"refused": refused} if refused else {"end": True})


def bound() -> None:
    """Hold this process to its memory and processor time. The kernel ends it beyond."""
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    if most == resource.RLIM_INFINITY or most > READER_MEMORY_BYTES:
        resource.setrlimit(resource.RLIMIT_AS, (READER_MEMORY_BYTES, most))
    seconds = int(READER_TIME.total_seconds())
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    if most == resource.RLIM_INFINITY or most > seconds:
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, most))
    # Counts only while this process works, not while it waits for the parent to read on.
    signal.setitimer(signal.ITIMER_PROF, PAGE_TIME.total_seconds())
    logging.disable()  # parsers warn of each oddity of a file


def _read(media_type: str, path: Path) -> Iterator[dict[str, str | None] | Section]:
    # Imported within bounds, and only what this kind needs.
    if media_type == PDF:
        from recado.knowledge.extraction.pdf import read_pdf

        return read_pdf(path)
    from recado.knowledge.extraction.docx import read_docx

    return read_docx(path)


def _say(said: object) -> None:
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
