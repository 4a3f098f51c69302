"""All metrics of Recado: names, labels, meanings. There are no others.

Labels have few values, all known beforehand: never an id, a telephone number or a text.
Times are in seconds.
"""

from prometheus_client import Counter, Gauge, Histogram

FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
SLOW = (0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 8, 13, 21, 34, 60, 120, 300, 900)

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

INGRESS_WAITING = Gauge(
    "recado_ingress_waiting_requests", "Requests that wait for Kafka's acknowledgement"
)
REJECTIONS_UNRECORDED = Counter(
    "recado_rejections_unrecorded_total",
    "Rejected webhook requests that were counted and left no record",
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
    "Records by topic and outcome (handled, skipped, dead_letter)",
    ["topic", "outcome"],
)
HANDLE_SECONDS = Histogram(
    "recado_handle_seconds", "Time in the handler, retries included", ["topic"], buckets=SLOW
)
TIME_LAG_SECONDS = Histogram(
    "recado_time_lag_seconds",
    "From the record's timestamp until it was handled",
    ["topic"],
    buckets=SLOW,
)
RETRIES = Counter("recado_retries_total", "Attempts after the first", ["topic", "error"])
WAITING_RECORDS = Gauge("recado_waiting_records", "Records fetched and not handled yet", ["topic"])
PAUSED = Gauge("recado_intake_paused", "1 while intake is paused, by reason", ["reason"])
REBALANCES = Counter("recado_rebalances_total", "Assignments and revocations", ["kind"])
LAST_POLL = Gauge("recado_last_poll_timestamp_seconds", "When the consumer loop last turned")

# rag
ANSWERS = Counter("recado_answers_total", "Answers by the rung that they rest on", ["rung"])
RETRIEVAL_SECONDS = Histogram(
    "recado_retrieval_seconds", "Search in the knowledge base", ["outcome"], buckets=FAST
)
GENERATION_SECONDS = Histogram(
    "recado_generation_seconds", "The model's time", ["outcome"], buckets=SLOW
)
TOKENS = Counter("recado_model_tokens_total", "Tokens by direction (prompt, output)", ["direction"])
MESSAGES_SKIPPED = Counter(
    "recado_messages_skipped_total",
    "Messages that rag does not answer, by reason (covered, too_old, no_answer_wanted)",
    ["reason"],
)
HISTORY_READS = Counter(
    "recado_history_reads_total",
    "Conversations read from MongoDB by outcome (read, unavailable)",
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

# Indexer
DOCUMENTS_INDEXED = Counter(
    "recado_documents_indexed_total",
    "Documents by outcome (indexed, unchanged, withdrawn)",
    ["outcome"],
)
CHUNKS_INDEXED = Counter("recado_chunks_indexed_total", "Chunks embedded and stored")
