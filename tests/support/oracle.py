"""Somebody else's parser, asked in a process of its own (`support.oracles`)."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from pydantic import JsonValue

from support.require import require

ROOT = Path(__file__).parents[2]
ORACLES = Path(__file__).parent / "oracles"

Json = dict[str, JsonValue]


@cache
def _python() -> str:
    made = subprocess.run(
        [ROOT / "tools" / "oracle.sh"], capture_output=True, text=True, check=False, timeout=300
    )
    require(
        made.returncode == 0,
        "aiogram and pywa",
        f"tools/oracle.sh fetches them, and said: {made.stderr[-300:]}",
    )
    return made.stdout.strip()


class Oracle:
    """A parser that tells what it finds in updates."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.about = self._line()
        """What it can read: a JSON Schema, and names."""

    def told(self, update: JsonValue) -> Json:
        """What it finds in an update. It must be one that it can read."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(update) + "\n")
        self._process.stdin.flush()
        return self._line()

    def _line(self) -> Json:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the oracle could not read this update; its traceback is above"
        found = json.loads(line)
        assert isinstance(found, dict)
        return found


@contextmanager
def running(name: str) -> Iterator[Oracle]:
    """The oracle of a platform, for as long as the block lasts."""
    python = _python()
    process = subprocess.Popen(
        [python, str(ORACLES / f"{name}.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield Oracle(process)
    finally:
        process.kill()
        process.wait(timeout=30)
