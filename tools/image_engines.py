"""Containers of the built images, by whatever built them: buildah, docker or podman.

All of them run as the image says (entrypoint, user, environment), on the machine's own network,
and may write to /tmp alone. Docker and podman enforce that by a read-only file system. buildah runs
them in a chroot, which can't be read-only: there `written` tells what they wrote elsewhere.
"""

import json
import os
import signal
import subprocess
import uuid
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

PATIENCE = 60.0
"""Seconds for one command of an engine."""

_BETWEEN = b"buildah-chroot"


class Container(ABC):
    """One container of an image. It is not there before `create` and gone after `remove`."""

    def __init__(self, image: str) -> None:
        self.image = image

    @abstractmethod
    def create(self) -> None:
        """Make what `command` will run in."""

    @abstractmethod
    def command(
        self, arguments: Sequence[str], environment: Mapping[str, str], files: Mapping[Path, str]
    ) -> tuple[str, ...]:
        """What starts the image's entrypoint and stays in the foreground until it ends.

        `files` are put where their values say, to be read only.
        """

    @abstractmethod
    def check(self, environment: Mapping[str, str], arguments: Sequence[str] = ()) -> str | None:
        """Run the image's health check inside; None if it has none or it is content, else why not.

        `arguments` are put in place of its last ones.
        """

    @abstractmethod
    def terminate(self, pid: int) -> None:
        """Send SIGTERM to the process of the image; `pid` is that of `command`, running."""

    @abstractmethod
    def written(self) -> list[str]:
        """Files that it wrote outside of /tmp. None of them should be there."""

    @abstractmethod
    def remove(self) -> None:
        """Leave nothing behind."""


class BuildahContainer(Container):
    """A working container of buildah, run in a chroot. `folder` is that of tools/images.sh."""

    def __init__(self, image: str, folder: Path) -> None:
        super().__init__(image)
        self._buildah = (
            *("buildah", "--root", str(folder / "storage"), "--runroot", str(folder / "run")),
            *("--storage-driver", os.environ.get("STORAGE_DRIVER", "vfs")),
        )
        self._id = ""
        self._config: Mapping[str, object] = {}

    def create(self) -> None:
        self._id = _output(*self._buildah, "from", "--pull-never", f"localhost/{self.image}")
        inspected = json.loads(_output(*self._buildah, "inspect", self._id))
        self._config = inspected["Docker"]["config"]

    def command(
        self, arguments: Sequence[str], environment: Mapping[str, str], files: Mapping[Path, str]
    ) -> tuple[str, ...]:
        return self._run(environment, files, (*self._words("Entrypoint"), *arguments))

    def check(self, environment: Mapping[str, str], arguments: Sequence[str] = ()) -> str | None:
        health = self._config.get("Healthcheck")
        test = list(health["Test"]) if isinstance(health, dict) else ["NONE"]
        if test[0] == "NONE":
            return None
        words = test[1:]
        if arguments:
            words[-len(arguments) :] = arguments
        return _failure(self._run(environment, {}, words))

    def terminate(self, pid: int) -> None:
        # What buildah has between itself and the image's process would end at once and take that
        # process with it. Its own children, if there are any, come after it.
        for child in _descendants(pid):
            process = Path("/proc", str(child))
            if not (process / "cmdline").read_bytes().startswith(_BETWEEN):
                os.kill(child, signal.SIGTERM)
                return

    def written(self) -> list[str]:
        root = Path(_output(*self._buildah, "mount", self._id))
        user = self._user()
        found = []
        for folder, folders, names in os.walk(root):
            if Path(folder) == root:
                folders.remove("tmp")
            paths = [Path(folder, name) for name in (*folders, *names)]
            found += [path for path in paths if path.lstat().st_uid == user]
        return [f"/{path.relative_to(root)}" for path in found]

    def remove(self) -> None:
        if self._id:
            _output(*self._buildah, "rm", self._id)
            self._id = ""

    def _user(self) -> int:
        return int(str(self._config["User"]).split(":")[0])

    def _words(self, key: str) -> tuple[str, ...]:
        words = self._config.get(key)
        return tuple(str(word) for word in words) if isinstance(words, list) else ()

    def _run(
        self, environment: Mapping[str, str], files: Mapping[Path, str], words: Sequence[str]
    ) -> tuple[str, ...]:
        given = [f"--env={name}={value}" for name, value in environment.items()]
        mounted = [f"--volume={path}:{target}:ro" for path, target in files.items()]
        return (*self._buildah, "run", *given, *mounted, self._id, "--", *words)


class EngineContainer(Container):
    """A container of docker or podman."""

    def __init__(self, image: str, engine: str) -> None:
        super().__init__(image)
        self._engine = engine
        self._name = f"{image}-{uuid.uuid4().hex[:8]}"

    def create(self) -> None:
        """`command` makes it."""

    def command(
        self, arguments: Sequence[str], environment: Mapping[str, str], files: Mapping[Path, str]
    ) -> tuple[str, ...]:
        given = [f"--env={name}={value}" for name, value in environment.items()]
        mounted = [f"--volume={path}:{target}:ro" for path, target in files.items()]
        return (
            *(self._engine, "run", "--rm", "--name", self._name, "--network", "host"),
            *("--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL"),
            *("--security-opt", "no-new-privileges", *given, *mounted, self.image, *arguments),
        )

    def check(self, environment: Mapping[str, str], arguments: Sequence[str] = ()) -> str | None:
        answer = _output(
            *(self._engine, "image", "inspect", "--format", "{{json .Config.Healthcheck}}"),
            self.image,
        )
        test = (json.loads(answer) or {}).get("Test") or ["NONE"]
        if test[0] == "NONE":
            return None
        words = test[1:]
        if arguments:
            words[-len(arguments) :] = arguments
        given = [f"--env={name}={value}" for name, value in environment.items()]
        return _failure((self._engine, "exec", *given, self._name, *words))

    def terminate(self, pid: int) -> None:
        # The engine's client hands signals on.
        os.kill(pid, signal.SIGTERM)

    def written(self) -> list[str]:
        return []

    def remove(self) -> None:
        subprocess.run(
            (self._engine, "rm", "--force", self._name),
            capture_output=True,
            check=False,
            timeout=PATIENCE,
        )


def make(engine: str, image: str, folder: Path) -> Container:
    """A container of the image, not created yet."""
    if engine == "buildah":
        return BuildahContainer(image, folder)
    return EngineContainer(image, engine)


def _descendants(pid: int) -> list[int]:
    """The children of a process, their children, and so on; the eldest first."""
    children = [child for child, parent in _parents().items() if parent == pid]
    return [*children, *(younger for child in children for younger in _descendants(child))]


def _parents() -> dict[int, int]:
    """The parent of each process of this machine."""
    parents = {}
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(FileNotFoundError, ProcessLookupError):  # it ended just now
            # After the name, which may hold anything, come the state and the parent.
            stat = (process / "stat").read_text().rpartition(")")[2].split()
            parents[int(process.name)] = int(stat[1])
    return parents


def _output(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout.strip()


def _failure(command: Sequence[str]) -> str | None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)
    return None if done.returncode == 0 else done.stderr.strip() or f"status {done.returncode}"
