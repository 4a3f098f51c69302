"""`python -m recado.rag`"""

import sys

from recado.knowledge.errors import NotInstalled
from recado.rag.app import App
from recado.rag.settings import RagSettings
from recado.servicekit import logs, service, tracing
from recado.servicekit.settings import EXIT_MISCONFIGURED, load

if __name__ == "__main__":
    settings = load(RagSettings)
    logs.configure("rag", settings.log_level, settings.log_format)
    tracing.configure("rag")
    try:
        status = service.run(lambda: App(settings))
    except NotInstalled as missing:
        sys.stderr.write(f"{missing}\n")
        status = EXIT_MISCONFIGURED
    sys.exit(status)
