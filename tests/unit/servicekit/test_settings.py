"""Wrong configuration is one line per key, as the operator set it, and never shows a value."""

import pytest

from recado.servicekit.settings import EXIT_MISCONFIGURED, ConsumerSettings, KafkaSettings, load
from recado_lanes import LaneOptions


def test_a_wrong_value_names_its_key_and_hides_itself(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RECADO_PORT", "hunter2")
    with pytest.raises(SystemExit) as ended:
        load(ConsumerSettings)
    assert ended.value.code == EXIT_MISCONFIGURED
    written = capsys.readouterr().err
    assert written.startswith("RECADO_PORT: ")
    assert "hunter2" not in written


def test_each_wrong_key_has_its_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RECADO_PORT", "x")
    monkeypatch.setenv("RECADO_LOG_LEVEL", "LOUD")
    with pytest.raises(SystemExit):
        load(ConsumerSettings)
    keys = {line.split(":")[0] for line in capsys.readouterr().err.splitlines()}
    assert keys == {"RECADO_PORT", "RECADO_LOG_LEVEL"}


def test_sasl_without_credentials_is_refused_at_the_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RECADO_KAFKA_SECURITY_PROTOCOL", "SASL_SSL")
    with pytest.raises(SystemExit):
        load(KafkaSettings)
    assert "RECADO_KAFKA_USERNAME" in capsys.readouterr().err


def test_draining_must_end_before_the_group_goes_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RECADO_DRAIN_TIMEOUT", "PT60S")
    with pytest.raises(SystemExit):
        load(ConsumerSettings)
    assert "RECADO_DRAIN_TIMEOUT" in capsys.readouterr().err


def test_liveness_must_not_fail_a_consumer_that_drains(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Draining, cancelling and committing stand between two polls, or FastStream's pause does."""
    assert load(ConsumerSettings).liveness_timeout >= LaneOptions(service="any").handover
    monkeypatch.setenv("RECADO_LIVENESS_TIMEOUT", "45")
    with pytest.raises(SystemExit):
        load(ConsumerSettings)
    assert "RECADO_LIVENESS_TIMEOUT" in capsys.readouterr().err


@pytest.mark.parametrize(("written", "seconds"), [("7", 7), ("2.5", 2.5), ("PT3S", 3)])
def test_durations_are_iso_8601_or_seconds(
    monkeypatch: pytest.MonkeyPatch, written: str, seconds: float
) -> None:
    monkeypatch.setenv("RECADO_DRAIN_TIMEOUT", written)
    assert load(ConsumerSettings).drain_timeout.total_seconds() == seconds
