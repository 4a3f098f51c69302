"""What one service exposes on `/metrics`: what it can produce, and nothing of the others.

Every combination of labels that can be told beforehand is there from the start, at 0. So the first
event is seen as an increase, and trouble that never happened reads 0, not "no data".
"""

from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from itertools import product
from types import MappingProxyType

from prometheus_client import CollectorRegistry, ProcessCollector

from recado.schemas.answers import Rung
from recado.schemas.base import Platform
from recado.schemas.deliveries import NotDeliveredReason
from recado.schemas.encoding import event_type_name
from recado.schemas.events import Event
from recado.schemas.topics import Topic, topic_of
from recado.schemas.webhooks import MessageKind, WebhookOutcome
from recado.servicekit import metrics
from recado.servicekit.metrics import Family

Labels = tuple[str, ...]

OWN: Mapping[str, Sequence[Family]] = MappingProxyType(
    {
        "ingress": (*metrics.INGRESS, *metrics.HOLDING_ACCOUNTS),
        "rag": (*metrics.RAG, *metrics.EMBEDDING),
        "dispatcher": (*metrics.DISPATCHER, *metrics.HOLDING_ACCOUNTS),
        "indexer": (*metrics.INDEXER, *metrics.EMBEDDING),
    }
)
"""The families that a service has by its name, not by what it reads and publishes."""

PLATFORMS = tuple(platform.value for platform in Platform)
"""Those that Recado comes with; a service that knows of others says so."""
UNKNOWN_PLATFORM = "unknown"

WEBHOOK_ANSWERS = (
    (WebhookOutcome.ACCEPTED.value, "200"),
    (WebhookOutcome.IGNORED.value, "200"),
    (WebhookOutcome.UNREADABLE.value, "200"),
    (WebhookOutcome.UNKNOWN_INTEGRATION.value, "200"),
    (WebhookOutcome.VERIFIED.value, "200"),
    (WebhookOutcome.REJECTED.value, "401"),
    ("unavailable", "503"),
)
RECORD_OUTCOMES = ("handled", "skipped_tombstone", "skipped_stale", "unknown_type", "dead_letter")
GENERATION_OUTCOMES = (
    "ok",
    "ModelUnavailable",
    "ModelQuota",
    "ModelRefused",
    "ModelMisconfigured",
)


def exposition(
    service: str,
    *,
    reads: Sequence[Topic] = (),
    publishes: Sequence[type[Event]] = (),
    platforms: Sequence[str] = PLATFORMS,
) -> CollectorRegistry:
    """What `service` exposes, which consumes these topics and publishes these events.

    `platforms` are those it may have to do with. The process's own metrics (CPU, memory, open
    files) are with it. Raises KeyError for a service that is none of ours.
    """
    families = [*metrics.EVERY_SERVICE, *OWN[service]]
    if publishes:
        families += metrics.PUBLISHING
    if reads:
        families += metrics.CONSUMING
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    for family in families:
        registry.register(family)
    for family, labels in _known(reads, publishes, platforms):
        if family in families:
            family.labels(*labels)
    for reason in ("unavailable", "backlog") if reads else ("kafka",):
        metrics.PAUSED.labels(reason)
    metrics.BUILD_INFO.labels(service, _version(service)).set(1)
    return registry


OTHER_NAMES = "other"
"""Of what is counted by a platform's own names: those beyond the first, and none so far."""


def _known(
    reads: Sequence[Topic], publishes: Sequence[type[Event]], platforms: Sequence[str]
) -> Iterator[tuple[Family, Labels]]:
    """The series that can be told beforehand. Other errors, and rarer HTTP statuses, cannot."""
    for platform, (outcome, status) in product(platforms, WEBHOOK_ANSWERS):
        yield metrics.WEBHOOKS, (platform, outcome, status)
    yield metrics.WEBHOOKS, (UNKNOWN_PLATFORM, WebhookOutcome.REJECTED.value, "404")
    for platform, message in product(platforms, MessageKind):
        yield metrics.MESSAGES_RECEIVED, (platform, message.value)
    for platform in platforms:
        yield metrics.WEBHOOK_SECONDS, (platform,)
        yield metrics.EVENTS_REPEATED, (platform,)
        yield metrics.UNKNOWN_KINDS, (platform, OTHER_NAMES)
        yield metrics.ACCOUNT_CHANGES, (platform, OTHER_NAMES)
        yield metrics.SEND_SECONDS, (platform,)
        yield metrics.WEBHOOK_TO_SENT_SECONDS, (platform,)
        yield metrics.PARTS_REPEATED, (platform,)
        yield metrics.INTEGRATIONS_STOPPED, (platform,)
        yield metrics.SEND_RATE, (platform,)
        for limit in ("integration", "chat"):
            yield metrics.TURNS_WAITED, (platform, limit)
        for outcome in ("shown", "failed", "dropped"):
            yield metrics.ATTENTION, (platform, outcome)
        for outcome in ("sent", "retried", "failed", "uncertain"):
            yield metrics.SENDS, (platform, outcome)
    for event in publishes:
        topic = topic_of(event)
        yield metrics.EVENTS_PUBLISHED, (topic.name, event_type_name(event))
        yield metrics.PUBLISH_FAILURES, (topic.name,)
    for topic in reads:
        for outcome in RECORD_OUTCOMES:
            yield metrics.RECORDS_HANDLED, (topic.name, outcome)
        yield metrics.RETRIES, (topic.name, "Transient")
        for family in (
            metrics.HANDLE_SECONDS,
            metrics.TIME_LAG_SECONDS,
            metrics.WAITING_RECORDS,
            metrics.ASSIGNED_PARTITIONS,
            metrics.UNCOMMITTED,
            metrics.OLDEST_UNCOMMITTED,
        ):
            yield family, (topic.name,)
    for kind in ("assigned", "revoked"):
        yield metrics.REBALANCES, (kind,)
    yield from _of_rag()
    for reason in NotDeliveredReason:
        yield metrics.ANSWERS_NOT_DELIVERED, (reason.value,)
    for outcome in ("ok", "quota", "unavailable", "misconfigured"):
        yield metrics.EMBEDDING_REQUESTS, (outcome,)
    for outcome in ("indexed", "unchanged", "withdrawn"):
        yield metrics.DOCUMENTS_INDEXED, (outcome,)


def _of_rag() -> Iterator[tuple[Family, Labels]]:
    for rung in Rung:
        yield metrics.ANSWERS, (rung.value,)
    for outcome in ("ok", "unavailable"):
        yield metrics.RETRIEVAL_SECONDS, (outcome,)
    for outcome in GENERATION_OUTCOMES:
        yield metrics.GENERATION_SECONDS, (outcome,)
    for direction in ("prompt", "output"):
        yield metrics.TOKENS, (direction,)
    for reason in ("covered", "taken_back", "too_old", "opted_out", "no_answer_wanted"):
        yield metrics.MESSAGES_SKIPPED, (reason,)
    for outcome in ("read", "unavailable"):
        yield metrics.HISTORY_READS, (outcome,)
    for lookup in ("hit", "miss"):
        yield metrics.QUERY_CACHE, (lookup,)


def _version(service: str) -> str:
    try:
        return version(f"recado-{service}")
    except PackageNotFoundError:  # run from a folder, not installed
        return "unknown"
