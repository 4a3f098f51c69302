"""`python -m recado.dispatcher prepare`: MongoDB's collections, and nothing else.

The dispatcher makes them when it starts; a Job that makes them before it shows a MongoDB that can't
be reached, or an index that does not fit, before anything waits for it. Doing it again changes
nothing. Status 0 when all are there; 1 with one sentence on stderr that quotes neither the address
nor a row; 78 where a setting is wrong.
"""

import asyncio
import sys

from recado.dispatcher import store
from recado.dispatcher.errors import DispatcherError
from recado.dispatcher.preparing import INDEXES
from recado.dispatcher.settings import DispatcherSettings
from recado.dispatcher.shapes import VERSION
from recado.servicekit.settings import load

EXIT_FAILED = 1


def prepare() -> int:
    """Make what is missing; the exit status."""
    settings = load(DispatcherSettings)
    try:
        asyncio.run(
            store.prepare(settings.mongodb_url.get_secret_value(), settings.mongodb_database)
        )
    except DispatcherError as error:
        sys.stderr.write(f"{error}.\n")
        return EXIT_FAILED
    made = sum(len(indexes) for indexes in INDEXES.values())
    sys.stdout.write(
        f"MongoDB has the dispatcher's {len(INDEXES)} collections, {made} indexes, and validators "
        f"of version {VERSION} or newer.\n"
    )
    return 0
