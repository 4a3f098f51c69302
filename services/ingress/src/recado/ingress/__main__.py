"""Run ingress: `python -m recado.ingress`.

Exits with 78 where the configuration is wrong (one line a problem, no value repeated), with 1 where
the service failed, with 0 when it was stopped.
"""

import asyncio
import gc
import sys

import uvloop

from recado.channels.errors import InvalidIntegrations
from recado.ingress.app import App
from recado.ingress.settings import IngressSettings
from recado.servicekit import logs, service, tracing
from recado.servicekit.settings import EXIT_MISCONFIGURED, load

COLLECT_EVERY = 10_000
"""So many objects more than were freed. At CPython's 700 the garbage collector goes through all
that open requests hold again and again, for the little garbage with cycles in it that there is:
with what is loaded at the start, a fifth of the CPU of a request."""


def main() -> int:
    """Load what is configured, then serve until stopped; the exit status."""
    settings = load(IngressSettings)
    logs.configure("ingress", settings.log_level, settings.log_format)
    tracing.configure("ingress")
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    gc.freeze()  # what is loaded by now stays: nothing of it need be looked through
    gc.set_threshold(COLLECT_EVERY)
    try:
        return service.run(lambda: App(settings))
    except InvalidIntegrations as invalid:
        sys.stderr.write(f"RECADO_INTEGRATIONS_FILE: {settings.integrations_file}\n{invalid}\n")
        return EXIT_MISCONFIGURED


if __name__ == "__main__":
    sys.exit(main())
