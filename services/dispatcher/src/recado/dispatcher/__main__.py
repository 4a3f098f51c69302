"""`python -m recado.dispatcher`: the service. With `prepare`: MongoDB's indexes only.

Exits with 78 where the configuration is wrong (one line a problem, no value repeated), with 1 where
it failed, with 2 where the arguments are wrong.
"""

import sys
from collections.abc import Sequence

from recado.channels.errors import InvalidIntegrations
from recado.dispatcher.app import App
from recado.dispatcher.prepare import prepare
from recado.dispatcher.settings import DispatcherSettings
from recado.servicekit import logs, service, tracing
from recado.servicekit.commands import serve_or_prepare
from recado.servicekit.settings import EXIT_MISCONFIGURED, load


def main(arguments: Sequence[str]) -> int:
    """Do what the arguments say; the exit status."""
    return serve_or_prepare("recado.dispatcher", arguments, serve=serve, prepare=prepare)


def serve() -> int:
    """Send answers until stopped; the exit status."""
    settings = load(DispatcherSettings)
    logs.configure("dispatcher", settings.log_level, settings.log_format)
    tracing.configure("dispatcher")
    try:
        return service.run(lambda: App(settings))
    except InvalidIntegrations as invalid:
        sys.stderr.write(f"RECADO_INTEGRATIONS_FILE: {settings.integrations_file}\n{invalid}\n")
        return EXIT_MISCONFIGURED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
