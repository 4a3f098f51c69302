"""`python -m recado.dispatcher.rebuild DATABASE`: MongoDB's documents made again from the topics.

The database must have none of them. Progress and, at the end, what was found are lines of JSON on
standard output: `{"records", "of"}` and `{"records", "events", "documents", "without_outcome",
"without_answer", "refused", "refused_records"}`. Status 0 when all is written; 1 with one sentence
on stderr, and then the database is to be dropped; 2 where the arguments are wrong; 78 where a
setting is.
"""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

from aiokafka.errors import KafkaError
from pymongo.errors import PyMongoError

from recado.channels.registry import CHANNELS
from recado.dispatcher.closing import Closing
from recado.dispatcher.errors import DispatcherError, StoreRefuses
from recado.dispatcher.gathered import GatheredDocuments
from recado.dispatcher.ledger import KEPT
from recado.dispatcher.rebuild.core import Rebuilding
from recado.dispatcher.rebuild.reading import Progress, rebuild_from
from recado.dispatcher.rebuild.settings import RebuildSettings
from recado.dispatcher.store import MongoDocuments, prepare
from recado.servicekit import logs
from recado.servicekit.merging import Stalled
from recado.servicekit.settings import load

EXIT_FAILED = 1
EXIT_USAGE = 2

NAMED = 100
"""Refused records that are named; all are counted."""


def main(arguments: Sequence[str]) -> int:
    """Rebuild; the exit status."""
    if len(arguments) != 1:
        sys.stderr.write("python -m recado.dispatcher.rebuild takes the name of a database.\n")
        return EXIT_USAGE
    settings = load(RebuildSettings)
    logs.configure("rebuild", "ERROR", "console")
    try:
        found = asyncio.run(rebuild(settings, arguments[0]))
    except (DispatcherError, Stalled) as error:
        sys.stderr.write(f"{error}.\n")
        return EXIT_FAILED
    except PyMongoError as error:
        sys.stderr.write(f"MongoDB refuses: {type(error).__name__}.\n")
        return EXIT_FAILED
    except (KafkaError, OSError) as error:
        sys.stderr.write(f"Kafka can't be read: {type(error).__name__}.\n")
        return EXIT_FAILED
    _say(found)
    return 0


async def rebuild(settings: RebuildSettings, database: str) -> dict[str, object]:
    """Write all that the topics tell into the database; what was found.

    Raises `StoreRefuses` where the database has documents already.
    """
    url = settings.mongodb_url.get_secret_value()
    try:
        documents = MongoDocuments(url, database)
    except (PyMongoError, ValueError) as error:
        raise StoreRefuses(f"its address is not valid ({type(error).__name__})") from None
    gathered = GatheredDocuments(documents)
    try:
        if any((await documents.counts()).values()):
            raise StoreRefuses(f"the database {database} is not empty")
        await prepare(url, database)
        made = await rebuild_from(
            settings,
            lambda: Rebuilding(
                gathered,
                CHANNELS,
                now,
                webhooks_kept=settings.webhooks_kept,
                closes_after=settings.conversation_closes_after,
                ledger_kept=KEPT,
            ),
            _say_progress,
        )
        await Closing(documents, now, after=settings.conversation_closes_after).sweep()
        events = sum((one.taken for one in made), Counter[str]())
        refused = [place for one in made for place in one.refused]
        return {
            "records": events.total(),
            "events": dict(sorted(events.items())),
            "documents": dict(await documents.counts()),
            "without_outcome": sum(one.without_outcome for one in made),
            "without_answer": sum(one.without_answer for one in made),
            "refused": len(refused),
            "refused_records": refused[:NAMED],
        }
    finally:
        await gathered.close()
        documents.close()


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


def _say_progress(progress: Progress) -> None:
    _say({"records": progress.records, "of": progress.of})


def _say(what: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
