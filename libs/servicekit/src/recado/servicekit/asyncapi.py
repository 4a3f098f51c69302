"""A service's AsyncAPI document, from the topics that it reads and writes."""

from collections.abc import Iterable
from functools import reduce
from operator import or_
from typing import cast

from faststream.kafka import KafkaBroker
from faststream.specification import AsyncAPI
from pydantic import JsonValue

from recado.schemas.events import Event
from recado.schemas.topics import Topic


def document(service: str, reads: Iterable[Topic], writes: Iterable[Topic]) -> JsonValue:
    """AsyncAPI 3.0, as FastStream renders it. Connects to nothing.

    The running service reads whole batches of raw records, in which FastStream sees no events; so
    the document is made from declarations of the same topics with their events' types.
    """
    broker = KafkaBroker()
    for topic in reads:
        _declare_subscriber(broker, topic)
    for topic in writes:
        schema = _payload(topic) if topic.event_types else bytes
        broker.publisher(topic.name, title=topic.name, description=_about(topic), schema=schema)
    specification = AsyncAPI(
        broker,
        title=f"Recado {service}",
        version="1",
        description=f"What {service} reads and writes.",
        schema_version="3.0.0",
    )
    return cast("JsonValue", specification.to_specification().to_jsonable())


def _declare_subscriber(broker: KafkaBroker, topic: Topic) -> None:
    async def read(event: Event) -> None:
        del event

    read.__annotations__["event"] = _payload(topic)
    broker.subscriber(topic.name, title=topic.name, description=_about(topic))(read)


def _payload(topic: Topic) -> object:
    return reduce(or_, topic.event_types)


def _about(topic: Topic) -> str:
    kept = "for good" if topic.retention is None else f"for {topic.retention.days} days"
    return f"Key: {topic.key}. {topic.partitions} partitions, kept {kept}."
