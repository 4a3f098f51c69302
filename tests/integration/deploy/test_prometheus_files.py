"""Prometheus itself reads its configuration, the alerts and every query of the dashboard."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from support.dashboard import DASHBOARD, INSTALL_PROMETHEUS, queries
from support.require import require

CONFIGURATION = DASHBOARD.parents[2] / "prometheus/prometheus.yml"
ALERTS = CONFIGURATION.with_name("rules.yml")


def promtool(*arguments: str) -> "subprocess.CompletedProcess[str]":
    require(shutil.which("promtool") is not None, "promtool", INSTALL_PROMETHEUS)
    return subprocess.run(
        ["promtool", *arguments], capture_output=True, text=True, timeout=60, check=False
    )


def rules(file: Path, expressions: list[str]) -> Path:
    """A file of recording rules: promtool parses their expressions."""
    recorded = [
        {"record": f"query:{number}", "expr": expression}
        for number, expression in enumerate(expressions)
    ]
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": recorded}]}))
    return file


def test_prometheus_takes_its_configuration() -> None:
    result = promtool("check", "config", str(CONFIGURATION))
    assert result.returncode == 0, result.stderr


def test_prometheus_takes_the_alerts_with_its_configuration() -> None:
    """It names the file, so each rule of it is among those that are checked."""
    result = promtool("check", "config", str(CONFIGURATION))
    (group,) = yaml.safe_load(ALERTS.read_text("utf-8"))["groups"]
    assert f"{len(group['rules'])} rules found" in result.stdout


def fires(alert: str, series: dict[str, str], at: str, folder: Path) -> bool:
    """Whether Prometheus fires the alert, once at least, for series in promtool's notation."""
    test = {
        "rule_files": [str(ALERTS)],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [
                    {"series": name, "values": values} for name, values in series.items()
                ],
                "alert_rule_test": [{"eval_time": at, "alertname": alert, "exp_alerts": []}],
            }
        ],
    }
    file = folder / "test.yml"
    file.write_text(yaml.safe_dump(test))
    result = promtool("test", "rules", str(file))
    assert result.returncode == 0 or alert in result.stderr + result.stdout, result.stderr
    return result.returncode != 0


Series = dict[str, str]


def sent(within_a_minute: int, all_of_them: int) -> Series:
    """Answers sent, so many each minute."""
    name, labels = "recado_webhook_to_sent_seconds", 'job="dispatcher", platform="whatsapp"'
    return {
        name + '_bucket{le="60.0", ' + labels + "}": f"0+{within_a_minute}x300",
        name + "_count{" + labels + "}": f"0+{all_of_them}x300",
    }


def handled(within_two_minutes: str) -> Series:
    """Ten records a minute of rag, all within five minutes; how many of them within two."""
    series = 'recado_time_lag_seconds_bucket{job="rag", topic="recado.messages", le="%s"}'
    return {
        series % "120.0": within_two_minutes,
        series % "300.0": "0+10x300",
        series % "+Inf": "0+10x300",
    }


def waiting(records: int) -> Series:
    """Records of rag that wait, and a last commit in the first minute."""
    labels = 'job="rag", instance="a"'
    return {
        "recado_waiting_records{" + labels + "}": f"{records}x300",
        "recado_last_commit_timestamp_seconds{" + labels + "}": "60x300",
    }


def undelivered(reason: str, each_minute: int) -> Series:
    """Answers that are not sent, none being sent."""
    labels = f'job="dispatcher", reason="{reason}"'
    return {
        "recado_answers_not_delivered_total{" + labels + "}": f"0+{each_minute}x300",
        'recado_webhook_to_sent_seconds_count{job="dispatcher"}': "0x300",
    }


def up(*services: str) -> Series:
    """Processes that answer."""
    return {f'up{{job="{service}", instance="a"}}': "1x300" for service in services}


def dead_letters(values: str) -> Series:
    """Those of rag."""
    labels = 'job="rag", topic="recado.messages", outcome="dead_letter"'
    return {"recado_records_handled_total{" + labels + "}": values}


def down(everything: int, alone: int) -> Series:
    """What of the dispatcher waits for a dependency."""
    return {
        'recado_intake_paused{job="dispatcher", reason="unavailable"}': f"{everything}x300",
        'recado_waiting_alone_keys{job="dispatcher"}': f"{alone}x300",
    }


@pytest.mark.parametrize(
    ("alert", "series", "expected"),
    [
        ("RecadoAnswersTooSlow", sent(5, 10), True),
        ("RecadoAnswersTooSlow", sent(199, 200), False),
        ("RecadoAnswersSlow", sent(90, 100), True),
        # Late since long ago, but no later than before; and late since a short time.
        ("RecadoLagRises", handled("0x300"), False),
        ("RecadoLagRises", handled("0+10x284 2840x16"), True),
        ("RecadoNothingDone", waiting(3), True),
        ("RecadoNothingDone", waiting(0), False),
        # Nobody is woken for one integration's token.
        ("RecadoDependencyDown", down(1, 0), True),
        ("RecadoDependencyDown", down(0, 1), False),
        ("RecadoSomeWaitAlone", down(0, 1), True),
        ("RecadoSomeWaitAlone", down(1, 0), False),
        ("RecadoDeadLetters", dead_letters("0x270 1x30"), True),
        ("RecadoDeadLetters", dead_letters("1x300"), False),
        ("RecadoAnswersNotDelivered", undelivered("expired", 1), True),
        ("RecadoAnswersNotDelivered", undelivered("expired", 0), False),
        # A person is in charge, or another answer was sent: as it should be.
        ("RecadoAnswersNotDelivered", undelivered("handoff", 1), False),
        ("RecadoServiceGone", up("ingress", "rag", "dispatcher"), True),
        ("RecadoServiceGone", up("ingress", "rag", "dispatcher", "indexer"), False),
    ],
)
def test_alerts_fire_when_they_must_and_only_then(
    alert: str, series: dict[str, str], expected: bool, tmp_path: Path
) -> None:
    """Asked of Prometheus's own engine, five hours into what is described."""
    assert fires(alert, series, "295m", tmp_path) is expected


def test_every_query_of_the_dashboard_is_promql(tmp_path: Path) -> None:
    expressions = [asked.filled_in(window="30s") for asked in queries()]
    result = promtool("check", "rules", str(rules(tmp_path / "rules.yml", expressions)))
    assert result.returncode == 0, result.stderr
    assert f"{len(expressions)} rules found" in result.stdout


@pytest.mark.parametrize("wrong", ["sum by (job (up)", "rate(up)", "histogram_quantile(up)"])
def test_a_query_that_is_not_promql_is_found(wrong: str, tmp_path: Path) -> None:
    """So the test before this one can fail."""
    result = promtool("check", "rules", str(rules(tmp_path / "rules.yml", [wrong])))
    assert result.returncode != 0
