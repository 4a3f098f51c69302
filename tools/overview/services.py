"""A row for each service: what it does, how long that takes, what fails, what it is full of."""

from tools.overview.queries import (
    Panel,
    Query,
    Row,
    by_label,
    highest,
    level,
    quantiles,
    rate,
    spread,
)

INGRESS = Row(
    "ingress",
    (
        Panel(
            title="Webhook requests by outcome",
            description="Many rejected: a wrong secret, or somebody tries (`recado webhooks`). "
            "unknown_integration: a number that the integrations file lacks. unavailable: Kafka.",
            unit="reqps",
            queries=(by_label(rate, "recado_webhooks_total", "outcome", "status"),),
            stacked=True,
        ),
        Panel(
            title="Time to answer a webhook",
            description="Kafka's acknowledgement included, and little else: when it grows, look "
            "at the brokers' disks and in-sync replicas. Platforms give up after some seconds.",
            unit="s",
            queries=quantiles("recado_webhook_seconds"),
        ),
        Panel(
            title="Messages by platform",
            description="None although customers write: is the webhook registered, does the "
            "proxy before ingress let it through?",
            unit="ops",
            queries=(by_label(rate, "recado_messages_received_total", "platform", "kind"),),
            stacked=True,
        ),
        Panel(
            title="Repeats at the door",
            description="Events that were in Kafka already. Many: the platform does not get our "
            "answers in time; see the time to answer.",
            unit="ops",
            queries=(by_label(rate, "recado_events_repeated_total", "platform"),),
        ),
        Panel(
            title="Kinds that Recado does not know",
            description="Messages that are kept and can't be read, by the platform's name. A new "
            "one: the platform can do something new (docs/channels.md).",
            unit="ops",
            queries=(by_label(rate, "recado_unknown_kinds_total", "platform", "kind"),),
            stacked=True,
        ),
        Panel(
            title="News about our own accounts",
            description="account_alerts, a quality rating, security, a template that was rejected: "
            "read it with `recado webhooks`, for the platform acts on it.",
            unit="ops",
            queries=(by_label(rate, "recado_account_changes_total", "platform", "type"),),
            stacked=True,
        ),
        Panel(
            title="Requests that wait for Kafka",
            description="Saturation. Near RECADO_MAX_REQUESTS_WAITING, requests get 503: Kafka is "
            "slow, or there are too few ingress processes.",
            unit="none",
            queries=(by_label(level, "recado_ingress_waiting_requests", "instance"),),
        ),
        Panel(
            title="Rejections that left no record",
            description="More are rejected than are recorded (RECADO_REJECTIONS_PER_SECOND), or "
            "Kafka did not take the record: somebody tries hard, so block the source before it.",
            unit="ops",
            queries=(by_label(rate, "recado_rejections_unrecorded_total", "instance"),),
        ),
        Panel(
            title="Connections refused",
            description="More than RECADO_MAX_CONNECTIONS were open at once. Platforms need a few "
            "dozen: look who holds the others, and bound them in the balancer before it.",
            unit="ops",
            queries=(by_label(rate, "recado_connections_refused_total", "instance"),),
        ),
        Panel(
            title="Outdated integrations",
            description="1: the integrations file can't be used, so the accounts of an older "
            "version are; the log and /readyz name key and line. It is mended without a restart.",
            unit="none",
            queries=(by_label(level, "recado_integrations_outdated", "instance"),),
        ),
    ),
)

RAG = Row(
    "rag",
    (
        Panel(
            title="Answers by rung",
            description="ungrounded, apology: the knowledge base is down. extractive although a "
            "model is configured: the model is. Much not_known: documents are missing.",
            unit="ops",
            queries=(by_label(rate, "recado_answers_total", "rung"),),
            stacked=True,
        ),
        Panel(
            title="Messages per answer",
            description="More than one: what a customer wrote within RECADO_SETTLE, or while the "
            "answer before was made. Near RECADO_MAX_COALESCED somebody floods the assistant.",
            unit="none",
            queries=quantiles("recado_messages_per_answer"),
        ),
        Panel(
            title="Retrieval time",
            description="The query's embedding and the search. High: the knowledge base's CPU and "
            "memory, or too many rag processes for it.",
            unit="s",
            queries=quantiles("recado_retrieval_seconds"),
        ),
        Panel(
            title="Model's time",
            description="Retries included. High: the provider is slow; answers fall to quotations "
            "at the time-out. No data without a model.",
            unit="s",
            queries=quantiles("recado_generation_seconds"),
        ),
        Panel(
            title="What fails",
            description="Retrieval: the knowledge base. The model, by error: ModelQuota is the "
            "account's limit, ModelMisconfigured the key or the model's name. History: MongoDB is "
            "away, answers are made without what was said before.",
            unit="ops",
            queries=(
                Query(
                    rate("recado_retrieval_seconds_count", "outcome", where='outcome!="ok"'),
                    "retrieval {{outcome}}",
                ),
                Query(
                    rate("recado_generation_seconds_count", "outcome", where='outcome!="ok"'),
                    "model {{outcome}}",
                ),
                Query(
                    rate("recado_history_reads_total", "outcome", where='outcome!="read"'),
                    "history {{outcome}}",
                ),
            ),
        ),
        Panel(
            title="Tokens a second",
            description="What the model is paid by. A jump without more answers: longer passages "
            "or prompts.",
            unit="ops",
            queries=(by_label(rate, "recado_model_tokens_total", "direction"),),
            stacked=True,
        ),
        Panel(
            title="Queries to embed",
            description="A hit comes from the cache. No hits at all: customers ask different "
            "things, or RECADO_QUERY_CACHE_ENTRIES is too small.",
            unit="ops",
            queries=(by_label(rate, "recado_query_cache_total", "lookup"),),
            stacked=True,
        ),
        Panel(
            title="Messages not answered",
            description="too_old: rag was away for longer than RECADO_MESSAGE_MAX_AGE. covered: "
            "read again after a restart. taken_back: deleted by the customer in time. "
            "no_answer_wanted: reactions, system messages.",
            unit="ops",
            queries=(by_label(rate, "recado_messages_skipped_total", "reason"),),
            stacked=True,
        ),
    ),
)

DISPATCHER = Row(
    "dispatcher",
    (
        Panel(
            title="Parts by outcome",
            description="retried: the platform wants a pause. failed: refused for good, see the "
            "reason beside. uncertain: no answer came, so it may have arrived.",
            unit="ops",
            queries=(by_label(rate, "recado_sends_total", "platform", "outcome"),),
            stacked=True,
        ),
        Panel(
            title="Platform's time for a part",
            description="High: the platform is slow, or the way to it. Each partition sends one "
            "part at a time, so answers queue behind it.",
            unit="s",
            queries=spread("recado_send_seconds", "platform"),
        ),
        Panel(
            title="Webhook to sent",
            description="The whole path, as a customer sees it.",
            unit="s",
            queries=quantiles("recado_webhook_to_sent_seconds"),
        ),
        Panel(
            title="Stopped integrations",
            description="1 and more: the platform takes nothing of so many, for a token or an "
            "account is broken; the log and /readyz name them. They go on when it is mended.",
            unit="none",
            queries=(by_label(highest, "recado_integrations_stopped", "platform"),),
        ),
        Panel(
            title="How fast it may send, and who waits",
            description="Messages a second, all processes together; lower than configured where "
            "the platform said that it is too much. Waits for a turn: integration, more answers "
            "than that; chat, more to one customer than the platform takes.",
            unit="ops",
            queries=(
                Query(level("recado_send_rate", "platform"), "at most, {{platform}}"),
                by_label(rate, "recado_turns_waited_total", "platform", "limit"),
            ),
        ),
        Panel(
            title="Answers not delivered, by reason",
            description="expired: too late, find what was slow. refused, blocked, window_closed: "
            "the platform's word, in the delivery's error. unknown_integration: the file lacks it. "
            "handoff, superseded, opted_out: as it should be.",
            unit="ops",
            queries=(by_label(rate, "recado_answers_not_delivered_total", "reason"),),
            stacked=True,
        ),
        Panel(
            title="What customers may see twice",
            description="Parts sent again because their first result was never known, and answers "
            "that overlap. Follows crashes and time-outs; if it lasts, RECADO_SEND_TIMEOUT is too "
            "short.",
            unit="ops",
            queries=(
                Query(rate("recado_parts_repeated_total", "platform"), "repeated, {{platform}}"),
                Query(rate("recado_answers_overlapping_total", "job"), "overlapping"),
            ),
        ),
        Panel(
            title="Read marks, typing, buttons",
            description="What only shows that somebody is there. Dropped: more than 10 a second of "
            "an integration. Failed: the platform did not take it, and nothing depends on it.",
            unit="ops",
            queries=(
                Query(
                    rate("recado_attention_total", "platform, outcome"),
                    "{{platform}}, {{outcome}}",
                ),
            ),
        ),
    ),
)

INDEXER = Row(
    "indexer",
    (
        Panel(
            title="Documents by outcome",
            description="Many unchanged are well: nothing had to be embedded. None although a "
            "folder was submitted: look at the lag of recado.documents and at dead letters.",
            unit="ops",
            queries=(by_label(rate, "recado_documents_indexed_total", "outcome"),),
            stacked=True,
        ),
        Panel(
            title="Chunks embedded and stored",
            description="Falls while documents wait: the embedder's quota, or the knowledge base.",
            unit="ops",
            queries=(by_label(rate, "recado_chunks_indexed_total", "instance"),),
        ),
        Panel(
            title="Requests to the embedding API",
            description="Of the indexer and of rag. quota: the account's limit, indexing waits for "
            "it. misconfigured: the key or the model's name. The keyless embedder makes none.",
            unit="ops",
            queries=(by_label(rate, "recado_embedding_requests_total", "job", "outcome"),),
        ),
    ),
)
