"""The topics: who writes what where, and how each must be created.

All conversation topics have the same number of partitions and the same partitioner (murmur2 over
the key, the default of Kafka's own clients), so that a conversation has one partition number
everywhere. The number is fixed at creation: another number would send a conversation elsewhere
and break its order, so `recado topics apply` refuses it.

Conversation topics keep the broker's clock (`LogAppendTime`): rag compares times of two topics.
An event's own time is its `occurred_at`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType

from recado.schemas import events

CONVERSATION_PARTITIONS = 12
"""Of every topic that is keyed by conversation; also the most rag or dispatcher processes."""

DOCUMENT_PARTITIONS = 6

SERVICES = ("ingress", "rag", "dispatcher", "indexer")
"""The services by name; each that consumes has a topic for its dead letters."""

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic and the settings that it is created with."""

    name: str
    key: str
    """What the record key names: `conversation`, `webhook`, `document` or `as the record`."""
    partitions: int
    retention: timedelta | None
    """How long records are kept; None: for good."""
    max_record: int = MIB
    """Largest record batch in bytes, after compression."""
    compacted: bool = False
    broker_time: bool = False
    """Records carry the broker's time of arrival, not the writer's."""
    event_types: tuple[type[events.Event], ...] = field(default=())

    def settings(self) -> Mapping[str, str]:
        """The topic's Kafka configuration."""
        retention_ms = -1 if self.retention is None else self.retention // timedelta(milliseconds=1)
        return MappingProxyType(
            {
                "cleanup.policy": "compact" if self.compacted else "delete",
                "retention.ms": str(retention_ms),
                "max.message.bytes": str(self.max_record),
                "compression.type": "producer",
                "message.timestamp.type": "LogAppendTime" if self.broker_time else "CreateTime",
            }
        )


WEBHOOKS = Topic(
    name="recado.webhooks",
    key="webhook",
    partitions=CONVERSATION_PARTITIONS,
    retention=timedelta(days=7),
    max_record=20 * MIB,
    event_types=(events.WebhookReceived,),
)
MESSAGES = Topic(
    name="recado.messages",
    key="conversation",
    partitions=CONVERSATION_PARTITIONS,
    retention=timedelta(days=30),
    max_record=8 * MIB,
    broker_time=True,
    event_types=(events.MessageReceived, events.CustomerForgotten),
)
STATUSES = Topic(
    name="recado.statuses",
    key="conversation",
    partitions=CONVERSATION_PARTITIONS,
    retention=timedelta(days=7),
    broker_time=True,
    event_types=(events.StatusReported,),
)
ANSWERS = Topic(
    name="recado.answers",
    key="conversation",
    partitions=CONVERSATION_PARTITIONS,
    retention=timedelta(days=30),
    max_record=2 * MIB,
    broker_time=True,
    event_types=(
        events.AnswerGenerated,
        events.OperatorReplied,
        events.HandoffRequested,
        events.HandoffReleased,
    ),
)
DELIVERIES = Topic(
    name="recado.deliveries",
    key="conversation",
    partitions=CONVERSATION_PARTITIONS,
    retention=timedelta(days=30),
    broker_time=True,
    event_types=(events.AnswerDelivered, events.AnswerNotDelivered),
)
DOCUMENTS = Topic(
    name="recado.documents",
    key="document",
    partitions=DOCUMENT_PARTITIONS,
    retention=None,
    max_record=10 * MIB,
    compacted=True,
    event_types=(
        events.DocumentPartSubmitted,
        events.DocumentSubmitted,
        events.DocumentWithdrawn,
    ),
)


def dead_letters(service: str) -> Topic:
    """Where a service puts the records that it could not handle, as they came."""
    return Topic(
        name=f"recado.{service}.dead-letters",
        key="as the record",
        partitions=1,
        retention=timedelta(days=30),
        max_record=20 * MIB,
    )


EVENT_TOPICS = (WEBHOOKS, MESSAGES, STATUSES, ANSWERS, DELIVERIES, DOCUMENTS)
"""The topics that events are written to."""

ALL_TOPICS = (
    *EVENT_TOPICS,
    *(dead_letters(service) for service in SERVICES if service != "ingress"),
)
"""Every topic that `recado topics apply` creates."""


def topic_of(event_type: type[events.Event]) -> Topic:
    """The topic that events of this class are written to."""
    return _TOPIC_BY_EVENT[event_type]


_TOPIC_BY_EVENT = {event_type: topic for topic in EVENT_TOPICS for event_type in topic.event_types}
