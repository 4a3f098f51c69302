"""What concerns several services: the first look, the work on Kafka's topics, the processes."""

from tools.overview.queries import (
    Panel,
    Query,
    Row,
    by_label,
    highest,
    level,
    quantile,
    rate,
    total,
)

LAST_COMMIT = highest("recado_last_commit_timestamp_seconds", "job", "instance")
LAST_POLL = highest("recado_last_poll_timestamp_seconds", "job", "instance")

OVERVIEW = Row(
    "Overview",
    (
        Panel(
            title="Processes that answer",
            description="Scraped with success, by service. Fewer than you run: look at the "
            "supervisor's events and at the end of that process's log.",
            unit="none",
            queries=(by_label(level, "up", "job"),),
            kind="stat",
        ),
        Panel(
            title="Webhook to sent, p95",
            description="What a customer waits. High: see in turn the time-lag (Kafka "
            "consumption), the model's time (rag) and the platform's time (dispatcher).",
            unit="s",
            queries=(Query(quantile(0.95, "recado_webhook_to_sent_seconds"), "p95"),),
            kind="stat",
            bad_from=30,
        ),
        Panel(
            title="Webhooks answered 503",
            description="In the time shown. Kafka did not acknowledge: mend Kafka. Nothing is "
            "lost as long as the platforms repeat (Telegram 24 hours, WhatsApp 7 days).",
            unit="none",
            queries=(Query(total("recado_webhooks_total", where='status="503"'), "503"),),
            kind="stat",
            bad_from=1,
        ),
        Panel(
            title="Dead letters",
            description="In the time shown, by service. Each is a record that nobody handles any "
            "more: `recado dead-letters` groups them by cause.",
            unit="none",
            queries=(
                by_label(
                    total, "recado_records_handled_total", "job", where='outcome="dead_letter"'
                ),
            ),
            kind="stat",
            bad_from=1,
        ),
        Panel(
            title="Answers not delivered",
            description="In the time shown. By reason in the dispatcher's row; "
            "`recado events deliveries` has each.",
            unit="none",
            queries=(Query(total("recado_answers_not_delivered_total"), "answers"),),
            kind="stat",
            bad_from=1,
        ),
        Panel(
            title="Intake paused",
            description="1 while a service takes nothing in. kafka: ingress refuses. unavailable: "
            "a dependency is down, the service's log names it. backlog: more comes than is "
            "handled, so add processes.",
            unit="none",
            queries=(by_label(highest, "recado_intake_paused", "job", "reason"),),
            kind="stat",
            bad_from=1,
        ),
    ),
)

CONSUMPTION = Row(
    "Kafka",
    (
        Panel(
            title="Records by outcome",
            description="dead_letter: `recado dead-letters`. unknown_type: a writer is newer than "
            "this reader. skipped_stale: after a rebalance, as it should be.",
            unit="ops",
            queries=(by_label(rate, "recado_records_handled_total", "job", "topic", "outcome"),),
        ),
        Panel(
            title="Time-lag by topic, p95",
            description="From a record's arrival in Kafka until it was handled. Grows: more comes "
            "than is handled, so add processes (12 at most). Only handled records count: "
            "where nothing is handled at all, see what waits and whether intake is paused.",
            unit="s",
            queries=(
                Query(
                    quantile(0.95, "recado_time_lag_seconds", "job", "topic"), "{{job}} {{topic}}"
                ),
            ),
        ),
        Panel(
            title="Handling time by topic, p50 and p95",
            description="The handler alone. High in rag: retrieval or the model; in the "
            "dispatcher: the platform or MongoDB; in the indexer: the embedder.",
            unit="s",
            queries=(
                Query(
                    quantile(0.5, "recado_handle_seconds", "job", "topic"), "{{job}} {{topic}} p50"
                ),
                Query(
                    quantile(0.95, "recado_handle_seconds", "job", "topic"), "{{job}} {{topic}} p95"
                ),
            ),
        ),
        Panel(
            title="Records that wait in memory",
            description="Fetched and not done, those in flight included. At some hundreds a "
            "partition intake pauses by itself; what waits in Kafka is not in it.",
            unit="none",
            queries=(by_label(level, "recado_waiting_records", "job", "topic"),),
        ),
        Panel(
            title="Keys in flight, of the limit",
            description="Saturation: at 100 % every slot has a conversation or document in it. "
            "With a growing time-lag, add processes (12 at most) or raise `RECADO_CONCURRENCY`.",
            unit="percentunit",
            queries=(
                Query(
                    f"{level('recado_in_flight_keys', 'job')} / "
                    f"({level('recado_concurrency_limit_keys', 'job')} > 0)",
                    "{{job}}",
                ),
            ),
        ),
        Panel(
            title="Waiting alone",
            description="Conversations or documents that wait for something of their own (a token "
            "that its platform refuses, say), while all others go on. The service's log says what.",
            unit="none",
            queries=(by_label(level, "recado_waiting_alone_keys", "job"),),
        ),
        Panel(
            title="Oldest record that is not done",
            description="One old record among few uncommitted ones is a conversation that waits to "
            "be tried again; growing everywhere, the service does not keep up.",
            unit="s",
            queries=(by_label(highest, "recado_oldest_uncommitted_seconds", "job", "topic"),),
        ),
        Panel(
            title="Uncommitted records",
            description="From the first that is not done to the last that was fetched. What of "
            "them is done is kept with the commit, so a crash repeats only what was in flight.",
            unit="none",
            queries=(by_label(level, "recado_uncommitted_records", "job", "topic"),),
        ),
        Panel(
            title="Partitions by process",
            description="They should be spread evenly over the processes of a service. 0: the "
            "process has nothing to do, or is not in its group (`/readyz` says so).",
            unit="none",
            queries=(by_label(level, "recado_assigned_partitions", "job", "instance"),),
        ),
        Panel(
            title="Retries",
            description="Attempts after the first, by error. Transient: a dependency asked for a "
            "pause. Any other class is a bug that the log names.",
            unit="ops",
            queries=(by_label(rate, "recado_retries_total", "job", "topic", "error"),),
        ),
        Panel(
            title="Rebalances",
            description="At starts and stops only. Lasting: processes restart, or are thrown out "
            "of the group (RECADO_KAFKA_SESSION_TIMEOUT); nothing is handled meanwhile.",
            unit="ops",
            queries=(by_label(rate, "recado_rebalances_total", "job", "kind"),),
        ),
        Panel(
            title="Since the last commit",
            description="Grows while nothing comes in. Grows while records wait: the handler "
            "hangs, or Kafka takes no commits.",
            unit="s",
            queries=(
                Query(
                    f"time() - {LAST_COMMIT}",
                    "{{job}} {{instance}}",
                ),
            ),
        ),
        Panel(
            title="Since the last poll",
            description="Below a second, whether anything comes in or not. Grows while the process "
            "waits for its group (a rebalance, Kafka away). Else its poll hangs: /healthz answers "
            "503 after RECADO_LIVENESS_TIMEOUT, and Kubernetes restarts it.",
            unit="s",
            queries=(Query(f"time() - {LAST_POLL}", "{{job}} {{instance}}"),),
        ),
        Panel(
            title="Events published",
            description="What Kafka acknowledged. Falls while records are handled: see the "
            "failures beside.",
            unit="ops",
            queries=(Query(rate("recado_events_published_total", "topic", "type"), "{{type}}"),),
        ),
        Panel(
            title="Events not acknowledged",
            description="Each is tried again: ingress by the platform, the others by themselves. "
            "Lasting: brokers, in-sync replicas, a record beyond the topic's size.",
            unit="ops",
            queries=(by_label(rate, "recado_publish_failures_total", "job", "topic"),),
        ),
    ),
)

PROCESSES = Row(
    "Processes",
    (
        Panel(
            title="CPU",
            description="Each process uses one core at most, embedding excepted. Near 1: add "
            "processes.",
            unit="none",
            queries=(by_label(rate, "process_cpu_seconds_total", "job", "instance"),),
        ),
        Panel(
            title="Memory",
            description="Resident. Near the container's limit the process is killed and its "
            "records are handled again elsewhere.",
            unit="bytes",
            queries=(by_label(level, "process_resident_memory_bytes", "job", "instance"),),
        ),
        Panel(
            title="Open files, of those allowed",
            description="Connections and files. Near 100 % nothing can be opened any more: raise "
            "the limit, and find what does not close.",
            unit="percentunit",
            queries=(
                Query(
                    f"{highest('process_open_fds', 'job', 'instance')} / "
                    f"{highest('process_max_fds', 'job', 'instance')}",
                    "{{job}} {{instance}}",
                ),
            ),
        ),
        Panel(
            title="Versions",
            description="Processes by service and version. Two versions of one service for long: "
            "a rollout is stuck.",
            unit="none",
            queries=(by_label(level, "recado_build_info", "service", "version"),),
            kind="stat",
        ),
    ),
)
