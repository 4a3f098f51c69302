"""How ours is compared with other people's parsers, on random valid updates of their own types.

The updates are generated from their models, so that a field or a kind that they know and we do not
comes up. Compared are who wrote, where, which message, of what kind, with which words, and what it
refers to.
"""

import orjson
from hypothesis import HealthCheck, settings
from pydantic import JsonValue

from recado.channels.contract import ParsedWebhook
from support import corpus
from support.valid import assert_valid

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]
SOME = settings(max_examples=100, deadline=None, suppress_health_check=SLOW)
MANY = settings(max_examples=5000, deadline=None, suppress_health_check=SLOW)


def ours(platform: str, payload: JsonValue) -> ParsedWebhook:
    found = corpus.parsed(platform, orjson.dumps(payload))
    for event in (*found.messages, *found.statuses):
        assert_valid(event)
    return found
