"""The configured accounts in use: kept up to date with the integrations file.

A new version takes effect for the requests that come after it. One that can't be used changes
nothing: log, metric and readiness say so, and the service stays ready.
"""

from collections.abc import Callable, Iterable, Sequence

import structlog

from recado.channels.contract import Integration
from recado.channels.watching import IntegrationsFile
from recado.servicekit import metrics

log = structlog.stdlib.get_logger(__name__)

Use = Callable[[Iterable[Integration]], None]
"""Holds to these accounts from now on."""


class Accounts:
    """Hands the accounts to those who hold to them, at first and after each change."""

    def __init__(self, file: IntegrationsFile, users: Sequence[Use]) -> None:
        """Raises `InvalidIntegrations`."""
        self._file = file
        self._users = tuple(users)
        self._problems: tuple[str, ...] = ()
        self._use(file.load())
        metrics.INTEGRATIONS_OUTDATED.set(0)

    async def run(self) -> None:
        """Follow the file, until cancelled."""
        async for version in self._file.versions():
            self._problems = version.problems
            if version.integrations is not None:
                self._use(version.integrations)
                log.info("integrations.loaded")
            else:
                log.error("integrations.refused", problems=version.problems)
            metrics.INTEGRATIONS_OUTDATED.set(int(version.integrations is None))

    async def warning(self) -> str | None:
        """What readiness says while an older version than that of the file is in use."""
        if not self._problems:
            return None
        first, *others = self._problems
        more = f" (and {len(others)} more)" if others else ""
        return f"an older version is in use; {first}{more}"

    def _use(self, integrations: Iterable[Integration]) -> None:
        for use in self._users:
            use(integrations)
