"""`python -m recado.indexer`"""

import sys

from recado.indexer.app import App
from recado.indexer.settings import IndexerSettings
from recado.servicekit import logs, service, tracing
from recado.servicekit.settings import load

if __name__ == "__main__":
    settings = load(IndexerSettings)
    logs.configure("indexer", settings.log_level, settings.log_format)
    tracing.configure("indexer")
    sys.exit(service.run(lambda: App(settings)))
