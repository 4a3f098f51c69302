"""All metrics of Recado: names, labels, meanings. There are no others.

Labels have few values, all known beforehand: never an id, a telephone number or a text.
Times are in seconds.

`GROUPS` says who has which; `exposition.py` puts together what one service exposes.
docs/metrics.md is made from this list (`make docs`).
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TypeAlias

from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics

# A second series for each, with the time of its birth, which nothing here asks for.
disable_created_metrics()  # type: ignore[no-untyped-call]  # the library leaves it untyped

Family: TypeAlias = Counter | Gauge | Histogram

FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
SLOW = (0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 8, 13, 21, 34, 60, 120, 300, 900)

# Every service
BUILD_INFO = Gauge("recado_build_info", "1; its labels say what runs", ["service", "version"])
PAUSED = Gauge(
    "recado_intake_paused",
    "1 while nothing more is taken in, by reason: kafka (ingress answers 503), unavailable (a "
    "dependency is down and nothing is begun), backlog (enough waits in memory, or is done beyond "
    "the commit)",
    ["reason"],
)

# Ingress
WEBHOOKS = Counter(
    "recado_webhooks_total",
    "Webhook requests by platform, outcome and HTTP status",
    ["platform", "outcome", "status"],
)
WEBHOOK_SECONDS = Histogram(
    "recado_webhook_seconds",
    "From the request to its answer, Kafka's acknowledgement included",
    ["platform"],
    buckets=FAST,
)
MESSAGES_RECEIVED = Counter(
    "recado_messages_received_total", "Messages taken from webhooks", ["platform", "kind"]
)
EVENTS_REPEATED = Counter(
    "recado_events_repeated_total",
    "Messages and statuses that were in Kafka already and were not published again",
    ["platform"],
)
UNKNOWN_KINDS = Counter(
    "recado_unknown_kinds_total",
    "Messages and statuses that we have no name for, by the platform's: 50 names, then `other`",
    ["platform", "kind"],
)
ACCOUNT_CHANGES = Counter(
    "recado_account_changes_total",
    "News about the business's own account (a template, an alert), by the platform's name of it",
    ["platform", "type"],
)

INGRESS_WAITING = Gauge(
    "recado_ingress_waiting_requests", "Requests that wait for Kafka's acknowledgement"
)
CONNECTIONS_REFUSED = Counter(
    "recado_connections_refused_total", "Connections beyond those that may be open at once"
)
REJECTIONS_UNRECORDED = Counter(
    "recado_rejections_unrecorded_total",
    "Rejected webhook requests that were counted and left no record",
)

# Every service that holds to the configured accounts
INTEGRATIONS_OUTDATED = Gauge(
    "recado_integrations_outdated",
    "1 while the integrations file can't be used and the accounts of an older version are in use",
)

# Every service that publishes
EVENTS_PUBLISHED = Counter(
    "recado_events_published_total", "Events that Kafka acknowledged", ["topic", "type"]
)
PUBLISH_FAILURES = Counter(
    "recado_publish_failures_total", "Events that Kafka did not acknowledge in time", ["topic"]
)

# Every service that consumes
RECORDS_HANDLED = Counter(
    "recado_records_handled_total",
    "Records by topic and outcome (handled, skipped_tombstone, skipped_stale, "
    "skipped_already_done, unknown_type, dead_letter); a record of an unknown type is counted as "
    "handled, too",
    ["topic", "outcome"],
)
HANDLE_SECONDS = Histogram(
    "recado_handle_seconds",
    "The handler's time for a record that it handled: its last attempt",
    ["topic"],
    buckets=SLOW,
)
TIME_LAG_SECONDS = Histogram(
    "recado_time_lag_seconds",
    "From the record's timestamp until it was handled",
    ["topic"],
    buckets=SLOW,
)
RETRIES = Counter("recado_retries_total", "Attempts after the first", ["topic", "error"])
WAITING_RECORDS = Gauge(
    "recado_waiting_records",
    "Records fetched and not done yet, those in work included",
    ["topic"],
)
ASSIGNED_PARTITIONS = Gauge(
    "recado_assigned_partitions", "Partitions that this process has", ["topic"]
)
IN_FLIGHT = Gauge(
    "recado_in_flight_keys", "Conversations, documents or webhooks that are worked on now"
)
CONCURRENCY_LIMIT = Gauge(
    "recado_concurrency_limit_keys", "So many of them may be worked on at once"
)
WAITING_ALONE = Gauge(
    "recado_waiting_alone_keys",
    "Conversations, documents or webhooks that wait for something of their own (a platform that "
    "refuses one integration's token, say), while all others go on",
)
UNCOMMITTED = Gauge(
    "recado_uncommitted_records",
    "Records from the first that is not done to the last that was fetched",
    ["topic"],
)
OLDEST_UNCOMMITTED = Gauge(
    "recado_oldest_uncommitted_seconds",
    "Age of the oldest record that was fetched and is not done, 0 where there is none",
    ["topic"],
)
REBALANCES = Counter("recado_rebalances_total", "Rebalances by kind (assigned, revoked)", ["kind"])
LAST_COMMIT = Gauge(
    "recado_last_commit_timestamp_seconds",
    "When this process last committed offsets or was assigned partitions; before, its start",
)
LAST_POLL = Gauge(
    "recado_last_poll_timestamp_seconds",
    "When a poll of this process last began or returned; before the first, its start. It polls "
    "whether there is anything or not, except while it waits for its group",
)

# rag
ANSWERS = Counter(
    "recado_answers_total",
    "Answers that Kafka acknowledged, by the rung that they rest on",
    ["rung"],
)
MESSAGES_PER_ANSWER = Histogram(
    "recado_messages_per_answer",
    "Messages of a customer that one answer covers",
    buckets=(1, 2, 3, 5, 10, 20),
)
RETRIEVAL_SECONDS = Histogram(
    "recado_retrieval_seconds",
    "Search in the knowledge base by outcome (ok, unavailable)",
    ["outcome"],
    buckets=FAST,
)
GENERATION_SECONDS = Histogram(
    "recado_generation_seconds",
    "The model's time by outcome (ok, else the class of the error)",
    ["outcome"],
    buckets=SLOW,
)
TOKENS = Counter("recado_model_tokens_total", "Tokens by direction (prompt, output)", ["direction"])
MESSAGES_SKIPPED = Counter(
    "recado_messages_skipped_total",
    "Messages that rag does not answer, by reason (covered, taken_back, too_old, opted_out, "
    "no_answer_wanted)",
    ["reason"],
)
HISTORY_READS = Counter(
    "recado_history_reads_total",
    "Conversations read from MongoDB by outcome (read, unavailable)",
    ["outcome"],
)

QUERY_CACHE = Counter(
    "recado_query_cache_total", "Queries to embed, by lookup in the cache (hit, miss)", ["lookup"]
)

# rag and the indexer
EMBEDDING_REQUESTS = Counter(
    "recado_embedding_requests_total",
    "Requests to the embedding API by outcome (ok, quota, unavailable, misconfigured); the keyless "
    "embedder makes none",
    ["outcome"],
)

# Dispatcher
SENDS = Counter(
    "recado_sends_total",
    "Parts by outcome (sent, retried, failed, uncertain)",
    ["platform", "outcome"],
)
SEND_SECONDS = Histogram(
    "recado_send_seconds", "The platform's time to take a part", ["platform"], buckets=FAST
)
WEBHOOK_TO_SENT_SECONDS = Histogram(
    "recado_webhook_to_sent_seconds",
    "From the webhook until the platform took the last part of the answer",
    ["platform"],
    buckets=SLOW,
)
ANSWERS_NOT_DELIVERED = Counter(
    "recado_answers_not_delivered_total", "Answers not sent, by reason", ["reason"]
)
PARTS_REPEATED = Counter(
    "recado_parts_repeated_total",
    "Parts sent again because their first result was not known: a customer may see them twice",
    ["platform"],
)
ANSWERS_OVERLAPPING = Counter(
    "recado_answers_overlapping_total",
    "Answers sent although another answer covers some, not all, of their messages",
)
ATTENTION = Counter(
    "recado_attention_total",
    "Requests that only show that somebody is there (a message was read, an answer is being "
    "written, a button was noticed), by outcome (shown, failed, dropped)",
    ["platform", "outcome"],
)

INTEGRATIONS_STOPPED = Gauge(
    "recado_integrations_stopped",
    "Integrations of which the platform takes nothing: token or account is broken",
    ["platform"],
)
SEND_RATE = Gauge(
    "recado_send_rate",
    "Messages a second that this process sends at most, by its share of the limits and by what "
    "the platform last refused, over the integrations that it has sent for",
    ["platform"],
)
TURNS_WAITED = Counter(
    "recado_turns_waited_total",
    "Waits for a turn to send, by whose limit asked for it (integration, chat)",
    ["platform", "limit"],
)

# Indexer
DOCUMENTS_INDEXED = Counter(
    "recado_documents_indexed_total",
    "Documents by outcome (indexed, unchanged, withdrawn)",
    ["outcome"],
)
CHUNKS_INDEXED = Counter("recado_chunks_indexed_total", "Chunks embedded and stored")

EVERY_SERVICE: Sequence[Family] = (BUILD_INFO, PAUSED)
INGRESS: Sequence[Family] = (
    WEBHOOKS,
    WEBHOOK_SECONDS,
    MESSAGES_RECEIVED,
    EVENTS_REPEATED,
    UNKNOWN_KINDS,
    ACCOUNT_CHANGES,
    INGRESS_WAITING,
    CONNECTIONS_REFUSED,
    REJECTIONS_UNRECORDED,
)
HOLDING_ACCOUNTS: Sequence[Family] = (INTEGRATIONS_OUTDATED,)
PUBLISHING: Sequence[Family] = (EVENTS_PUBLISHED, PUBLISH_FAILURES)
CONSUMING: Sequence[Family] = (
    RECORDS_HANDLED,
    HANDLE_SECONDS,
    TIME_LAG_SECONDS,
    RETRIES,
    WAITING_RECORDS,
    ASSIGNED_PARTITIONS,
    IN_FLIGHT,
    CONCURRENCY_LIMIT,
    WAITING_ALONE,
    UNCOMMITTED,
    OLDEST_UNCOMMITTED,
    REBALANCES,
    LAST_COMMIT,
    LAST_POLL,
)
RAG: Sequence[Family] = (
    ANSWERS,
    MESSAGES_PER_ANSWER,
    RETRIEVAL_SECONDS,
    GENERATION_SECONDS,
    TOKENS,
    MESSAGES_SKIPPED,
    HISTORY_READS,
    QUERY_CACHE,
)
EMBEDDING: Sequence[Family] = (EMBEDDING_REQUESTS,)
DISPATCHER: Sequence[Family] = (
    SENDS,
    SEND_SECONDS,
    WEBHOOK_TO_SENT_SECONDS,
    ANSWERS_NOT_DELIVERED,
    PARTS_REPEATED,
    ANSWERS_OVERLAPPING,
    ATTENTION,
    INTEGRATIONS_STOPPED,
    SEND_RATE,
    TURNS_WAITED,
)
INDEXER: Sequence[Family] = (DOCUMENTS_INDEXED, CHUNKS_INDEXED)

GROUPS: Mapping[str, Sequence[Family]] = MappingProxyType(
    {
        "Every service": EVERY_SERVICE,
        "Services that publish: ingress, rag, dispatcher": PUBLISHING,
        "Services that consume: rag, dispatcher, indexer": CONSUMING,
        "Services that embed: rag, indexer": EMBEDDING,
        "Services that hold to the configured accounts: ingress, dispatcher": HOLDING_ACCOUNTS,
        "ingress": INGRESS,
        "rag": RAG,
        "dispatcher": DISPATCHER,
        "indexer": INDEXER,
    }
)
"""All of them, by who has them."""


def name_of(family: Family) -> str:
    """As Prometheus shows it; a histogram's series have `_bucket`, `_sum` or `_count` behind it."""
    (described,) = family.describe()
    return f"{described.name}_total" if described.type == "counter" else described.name


def labels_of(family: Family) -> tuple[str, ...]:
    """The names of its labels."""
    return tuple(family._labelnames)  # the library has no public way to ask
