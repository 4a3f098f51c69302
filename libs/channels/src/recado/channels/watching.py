"""The integrations file, read again while a service runs.

What it promises:

- A new version is told once two readings in a row found the same content: one that is still being
  written could be a valid file without its last accounts.
- A version that can't be used is told with its problems, which quote no value; the one before it
  stays in use. So does it where the file is gone.
- However the file changes: written in place, renamed, or behind a symbolic link that is turned (as
  Kubernetes changes what it mounts). The content is compared, which a watch on files or their times
  does not get right on every file system; and it is small.

`${NAME}` is looked up in the environment of this process, which does not change: a secret that is
to be changed without a restart must stand in the file.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from recado.channels.errors import InvalidIntegrations
from recado.channels.integrations import Integrations, parse_integrations, unreadable


@dataclass(frozen=True, slots=True)
class Version:
    """A version of the file: accounts, or what is wrong with it."""

    integrations: Integrations | None
    problems: tuple[str, ...] = ()


class IntegrationsFile:
    """Tells of each new version of the file."""

    def __init__(self, path: Path, environ: Mapping[str, str], *, interval: timedelta) -> None:
        self._path = path
        self._environ = environ
        self._interval = interval.total_seconds()
        self._told: bytes | str | None = None

    def load(self) -> Integrations:
        """The first version. Raises `InvalidIntegrations`."""
        self._told = self._read()
        version = self._version(self._told)
        if version.integrations is None:
            raise InvalidIntegrations(version.problems)
        return version.integrations

    async def versions(self) -> AsyncIterator[Version]:
        """Each new version after what `load` returned. Never ends, raises nothing of its own."""
        before = self._told
        while True:
            await asyncio.sleep(self._interval)
            found = await asyncio.to_thread(self._read)
            if found == before != self._told:
                self._told = found
                yield self._version(found)
            before = found

    def _read(self) -> bytes | str:
        """The content, or why there is none."""
        try:
            return self._path.read_bytes()
        except OSError as failure:
            return unreadable(self._path, failure)

    def _version(self, found: bytes | str) -> Version:
        if isinstance(found, str):
            return Version(None, (found,))
        try:
            return Version(parse_integrations(found, self._path.name, self._environ))
        except InvalidIntegrations as invalid:
            return Version(None, invalid.problems)
