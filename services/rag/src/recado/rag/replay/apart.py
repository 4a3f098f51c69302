"""The process of a replay: its command and its environment.

The environment is made of a list of names that may be in it, so that what nobody thought of is
not: no integrations file, no platform's credentials, no address or password of Kafka or MongoDB.
"""

import sys
from collections.abc import Mapping

from recado.rag.replay.cases import Answerer, Order
from recado.rag.settings import RagSettings
from recado.servicekit.settings import PREFIX, ConsumerSettings

OF_THE_MACHINE = frozenset(
    {
        "PATH",
        "HOME",
        "LANG",
        "LANGUAGE",
        "TZ",
        "TMPDIR",
        "LD_LIBRARY_PATH",
        "PYTHONPATH",
        "XDG_CACHE_HOME",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "NO_PROXY",
        "http_proxy",
        "https_proxy",
        "no_proxy",
    }
)
NOT_NEEDED = frozenset({*ConsumerSettings.model_fields, "mongodb_url", "mongodb_database"})
"""Settings of rag that have nothing to do with how an answer comes about."""

SETTINGS = frozenset(
    f"{PREFIX}{name.upper()}" for name in RagSettings.model_fields.keys() - NOT_NEEDED
)
GEMINI_KEY = f"{PREFIX}GEMINI_API_KEY"


def command(order: Order) -> tuple[str, ...]:
    """How the process is started; cases go to its standard input."""
    return (sys.executable, "-m", "recado.rag.replay", order.model_dump_json())


def environment(whole: Mapping[str, str], order: Order) -> dict[str, str]:
    """What of this environment the process gets; Gemini's key only where Gemini is asked."""
    names = OF_THE_MACHINE | SETTINGS
    # The embedder's settings are refused without its key, also where nothing is searched.
    embeds = whole.get(f"{PREFIX}EMBEDDER") == "gemini"
    if order.variation.answerer is not Answerer.GEMINI and not embeds:
        names -= {GEMINI_KEY}
    return {name: value for name, value in whole.items() if name in names or name.startswith("LC_")}
