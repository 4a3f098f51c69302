"""`python -m recado.indexer`: the service. With `prepare`: the knowledge base's collection only.

Exits with 78 where the configuration is wrong (one line a problem, no value repeated), with 1 where
it failed, with 2 where the arguments are wrong.
"""

import sys
from collections.abc import Sequence

from recado.indexer.app import App
from recado.indexer.prepare import prepare
from recado.indexer.settings import IndexerSettings
from recado.knowledge.errors import NotInstalled
from recado.servicekit import logs, service, tracing
from recado.servicekit.commands import serve_or_prepare
from recado.servicekit.settings import EXIT_MISCONFIGURED, load


def main(arguments: Sequence[str]) -> int:
    """Do what the arguments say; the exit status."""
    return serve_or_prepare("recado.indexer", arguments, serve=serve, prepare=prepare)


def serve() -> int:
    """Index documents until stopped; the exit status."""
    settings = load(IndexerSettings)
    logs.configure("indexer", settings.log_level, settings.log_format)
    tracing.configure("indexer")
    try:
        return service.run(lambda: App(settings))
    except NotInstalled as missing:
        sys.stderr.write(f"{missing}\n")
        return EXIT_MISCONFIGURED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
