"""Which tests one process of pytest-xdist gets, and which begin first.

The tests of one file stay together and in order, and so do all of tests/e2e, which share one whole
Recado. Those that take longest begin first, so that no process is left with a long file at the end.
xdist's own groups need a mark in the name of a test, and pytest 9.2 lets nobody write there: marks
of groups are ignored, in silence.
"""

import pytest
from xdist.scheduler import LoadScopeScheduling

ONE_WORLD = "tests/e2e/"
ORDER = (ONE_WORLD, "tests/chaos/", "tests/integration/", "tests/contract/", "tests/unit/")


def rank(node_id: str) -> int:
    """Where a test is in the order: the lower, the sooner."""
    return next(i for i, folder in enumerate((*ORDER, "")) if node_id.startswith(folder))


class Together(LoadScopeScheduling):  # type: ignore[misc]  # xdist ships no types
    """A file, or the tests of the one world, is what a process gets."""

    def __init__(self, config: pytest.Config, log: object) -> None:
        config.option.loadscopereorder = False
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        return ONE_WORLD if nodeid.startswith(ONE_WORLD) else nodeid.partition("::")[0]
