"""`python -m recado.rag`"""

import sys

from recado.rag.app import App
from recado.rag.settings import RagSettings
from recado.servicekit import logs, service, tracing
from recado.servicekit.settings import load

if __name__ == "__main__":
    settings = load(RagSettings)
    logs.configure("rag", settings.log_level, settings.log_format)
    tracing.configure("rag")
    sys.exit(service.run(lambda: App(settings)))
