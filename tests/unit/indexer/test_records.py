"""What the indexer makes of one record of its topic."""

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from recado.indexer.app import handler_of
from recado.indexer.indexing import Indexer
from recado.knowledge.errors import InvalidDocument
from recado.knowledge.testing import InMemoryKnowledgeBase, WordEmbedder
from recado.schemas.encoding import encode
from recado.schemas.events import Event
from recado_lanes import Permanent, Record
from support.examples import DOCUMENT_WITHDRAWN, NOW

ENCODED = encode(
    DOCUMENT_WITHDRAWN,
    source="cli",
    traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
)


class Seen(Indexer):
    """Keeps the events and the traces that they came in."""

    def __init__(self, error: Exception | None = None) -> None:
        super().__init__(InMemoryKnowledgeBase(WordEmbedder()))
        self.events: list[Event] = []
        self.traces: list[int] = []
        self._error = error

    async def handle(self, event: Event) -> None:
        self.events.append(event)
        self.traces.append(trace.get_current_span().get_span_context().trace_id)
        if self._error is not None:
            raise self._error


def record(
    value: bytes = ENCODED.value, headers: tuple[tuple[str, bytes], ...] = tuple(ENCODED.headers)
) -> Record:
    return Record(ENCODED.topic, 0, 0, ENCODED.key, value, headers, NOW)


async def test_an_event_is_indexed_in_the_trace_of_who_submitted_it() -> None:
    if not isinstance(trace.get_tracer_provider(), TracerProvider):
        trace.set_tracer_provider(TracerProvider())
    indexer = Seen()
    await handler_of(indexer)(record())
    assert indexer.events == [DOCUMENT_WITHDRAWN]
    assert indexer.traces == [0x0AF7651916CD43DD8448EB211C80319C]


async def test_an_unknown_event_type_is_skipped() -> None:
    """A newer writer does not stop an older reader."""
    indexer = Seen()
    await handler_of(indexer)(record(b"{}", (("ce_type", b"recado.document.imagined.v1"),)))
    assert indexer.events == []


async def test_an_undecodable_record_is_a_dead_letter_that_quotes_nothing() -> None:
    with pytest.raises(Permanent) as permanent:
        await handler_of(Seen())(record(b'{"title": "secreto"}'))
    assert "secreto" not in str(permanent.value)


async def test_what_the_knowledge_base_raises_is_told_to_the_lane() -> None:
    with pytest.raises(Permanent, match="no text"):
        await handler_of(Seen(InvalidDocument("guia.pdf", "no text")))(record())
