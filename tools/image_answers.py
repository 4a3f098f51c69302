"""Start each built image and ask it for its health: `python -m tools.image_answers`.

What they need stands beside them on loopback (`tools.image_surroundings`). Each container gets the
environment, the files and the arguments that docker-compose.yml gives it, with the addresses of
these in place of its own; jobs run first, then the services. All six images must have been built.
Ends with 1 if any did not do what it must:

- a job ends with 0;
- a service answers for its life and its readiness with 200, its own health check is content with
  both, it ends with 0 at SIGTERM (the stand-ins: it ends), and it wrote nothing outside of /tmp.

Without Weaviate rag and the indexer can't become ready, nor can the job before them run; then it is
enough that they live, and the table says so.
"""

import argparse
import asyncio
import os
import sys
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from tools import compose_file
from tools.image_engines import Container, make
from tools.image_surroundings import Surroundings, surroundings

from recado.devstack.stack.errors import StackError
from recado.devstack.stack.ports import LOOPBACK
from recado.devstack.stack.probes import http_ok
from recado.devstack.stack.process import ChildProcess

READY_TIMEOUT = timedelta(seconds=60)
STOP_TIMEOUT = timedelta(seconds=75)
PAUSE = 0.1  # seconds between two looks

JOBS = ("topics", "collection")
"""Of docker-compose.yml, in the order in which they must run."""
SERVICES = ("standins", "ingress", "rag", "dispatcher", "indexer")
ON_WEAVIATE = ("collection", "rag", "indexer")
ENDED_BY_THE_SIGNAL = ("standins",)
"""They close, but nothing is in their hands: uvicorn lets the signal end them afterwards."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one container did; `problem` is None where it did all that it must."""

    name: str
    alive: float | None = None
    ready: float | None = None
    """Seconds from the start."""
    problem: str | None = None
    note: str = ""

    def row(self) -> str:
        """A line of the table."""
        times = [f"{taken:7.1f}" if taken is not None else "      –" for taken in self._times()]
        return f"{self.name:<12} {' '.join(times)}  {self.problem or self.note or 'ok'}"

    def _times(self) -> tuple[float | None, float | None]:
        return self.alive, self.ready


class Trial:
    """One container of docker-compose.yml, made from its image and started."""

    def __init__(self, name: str, engine: str, folder: Path, around: Surroundings) -> None:
        self.name = name
        self._around = around
        self._compose = compose_file.services()[name]
        image = str(self._compose["image"]).split(":")[0]
        self._container: Container = make(engine, image, folder)
        self._environment = around.environment(name)

    async def job(self, log: Path) -> Answer:
        """Run it to its end."""
        began = time.monotonic()
        self._container.create()
        try:
            await self._process(log).run(READY_TIMEOUT)
            problem = _outside(self._container)
            taken = time.monotonic() - began
            return Answer(self.name, problem=problem, note=f"a job, done in {taken:.1f} s")
        except StackError as error:
            return Answer(self.name, problem=str(error))
        finally:
            self._container.remove()

    async def service(self, log: Path, paths: tuple[str, str], *, must_be_ready: bool) -> Answer:
        """Start it, ask for its health, stop it. `paths` are those of life and of readiness."""
        port = self._around.ports[self.name]
        life, readiness = (f"http://{LOOPBACK}:{port}{path}" for path in paths)
        began = time.monotonic()
        self._container.create()
        process = self._process(log)
        try:
            await process.start(lambda: http_ok(life), READY_TIMEOUT)
            alive = time.monotonic() - began
            ready = await _until_ok(readiness, began) if must_be_ready else None
            problem = self._checks(paths[1], port, must_be_ready=must_be_ready)
            if must_be_ready and ready is None:
                problem = f"never ready: {problem}"
            problem = problem or await self._stop(process) or _outside(self._container)
            note = "" if must_be_ready else "alive; there is no Weaviate for it here"
            return Answer(self.name, alive, ready, problem, note)
        except StackError as error:
            return Answer(self.name, problem=str(error))
        finally:
            await process.kill9()
            self._container.remove()

    def _process(self, log: Path) -> ChildProcess:
        arguments = [str(word) for word in _list(self._compose.get("command"))]
        if self.name == "standins":
            arguments += ["--host", LOOPBACK, "--port", str(self._around.ports[self.name])]
        places = [f"/run/secrets/{name}" for name in _list(self._compose.get("secrets"))]
        places += [
            str(volume["target"])
            for volume in _list(self._compose.get("volumes"))
            if isinstance(volume, dict)
        ]
        files = {self._around.files[place]: place for place in places}
        command = self._container.command(arguments, self._environment, files)
        return ChildProcess(self.name, command, log=log, environment=dict(os.environ))

    def _checks(self, readiness: str, port: int, *, must_be_ready: bool) -> str | None:
        """Its own health check, as the image has it and as docker-compose.yml has it."""
        asked = {"RECADO_PORT": str(port)}
        problem = self._container.check(asked)
        if problem is None and must_be_ready:
            problem = self._container.check(asked, (readiness, str(port)))
        return problem and f"its health check: {problem}"

    async def _stop(self, process: ChildProcess) -> str | None:
        if process.pid is not None:
            self._container.terminate(process.pid)
        if not await process.wait(STOP_TIMEOUT):
            return f"did not end within {STOP_TIMEOUT.total_seconds():g} s"
        in_order = process.exit_code == 0 or self.name in ENDED_BY_THE_SIGNAL
        return None if in_order else f"ended with status {process.exit_code}"


async def _until_ok(url: str, began: float) -> float | None:
    """The seconds since `began` when it answered 200; None if it did not in time."""
    while time.monotonic() - began < READY_TIMEOUT.total_seconds():
        if await http_ok(url):
            return time.monotonic() - began
        await asyncio.sleep(PAUSE)
    return None


def _outside(container: Container) -> str | None:
    written = container.written()
    return f"wrote outside of /tmp: {', '.join(written[:5])}" if written else None


def _list(value: object) -> list[object]:
    return list(value) if isinstance(value, list) else []


async def answers(engine: str, folder: Path, logs: Path) -> list[Answer]:
    """Those of the jobs, then those of the services; each is printed as it comes."""
    found: list[Answer] = []
    async with surroundings(logs, SERVICES) as around:
        for name in (*JOBS, *SERVICES):
            trial = Trial(name, engine, folder, around)
            here = around.weaviate or name not in ON_WEAVIATE
            if name not in JOBS:
                own = "/control/health"
                paths = (own, own) if name == "standins" else ("/healthz", "/readyz")
                answer = await trial.service(logs / name, paths, must_be_ready=here)
            elif here:
                answer = await trial.job(logs / name)
            else:
                answer = Answer(name, note="not run: there is no Weaviate here")
            sys.stdout.write(answer.row() + "\n")
            found.append(answer)
    return found


def main() -> int:
    """Start the images, print a line for each; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tools.image_answers")
    parser.add_argument("--engine", required=True, choices=("buildah", "docker", "podman"))
    parser.add_argument("--folder", required=True, type=Path, help="as for tools/images.sh")
    given = parser.parse_args()
    sys.stdout.write(f"{'started':<12} {'alive s':>7} {'ready s':>7}\n")
    with TemporaryDirectory(prefix="answers.", dir=given.folder) as directory:
        logs = Path(directory)
        logs.chmod(0o755)  # the containers' user reads the files in it
        found = asyncio.run(answers(given.engine, given.folder, logs))
    return 1 if any(answer.problem for answer in found) else 0


if __name__ == "__main__":
    sys.exit(main())
