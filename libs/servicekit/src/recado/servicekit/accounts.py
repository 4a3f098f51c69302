"""How a service tells, in log and metric, of new versions of the integrations file."""

from collections.abc import Sequence

import structlog

from recado.servicekit import metrics

log = structlog.stdlib.get_logger(__name__)


def tell_of_version(problems: Sequence[str]) -> None:
    """A version was read: it is in use, or these problems keep the one before it in use."""
    if problems:
        log.error("integrations.refused", problems=list(problems))
    else:
        log.info("integrations.loaded")
    metrics.INTEGRATIONS_OUTDATED.set(int(bool(problems)))
