"""The one place that decides what happens to a test whose real component is not here.

On a developer's machine the test is skipped and says what to install. Where CI is set it fails:
a pipeline that lost its broker must not look green.
"""

import os
from collections.abc import Mapping

import pytest

_OFF = ("", "0", "false", "no")


def in_ci(environment: Mapping[str, str] | None = None) -> bool:
    """Say whether CI is set to anything but an empty or negative value. None means os.environ."""
    environment = os.environ if environment is None else environment
    return environment.get("CI", "").lower() not in _OFF


def require(
    present: bool, what: str, install: str, *, environment: Mapping[str, str] | None = None
) -> None:
    """Return if `present`; else skip the test, or fail it where CI is set.

    `what` names the component, `install` says how to get it.
    """
    if present:
        return
    reason = f"{what} is not here: {install}"
    if in_ci(environment):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
