"""`python -m recado.dispatcher`"""

import sys

from recado.channels.errors import InvalidIntegrations
from recado.dispatcher.app import App
from recado.dispatcher.settings import DispatcherSettings
from recado.servicekit import logs, service, tracing
from recado.servicekit.settings import EXIT_MISCONFIGURED, load

if __name__ == "__main__":
    settings = load(DispatcherSettings)
    logs.configure("dispatcher", settings.log_level, settings.log_format)
    tracing.configure("dispatcher")
    try:
        status = service.run(lambda: App(settings))
    except InvalidIntegrations as invalid:
        sys.stderr.write(f"RECADO_INTEGRATIONS_FILE: {settings.integrations_file}\n{invalid}\n")
        sys.exit(EXIT_MISCONFIGURED)
    sys.exit(status)
