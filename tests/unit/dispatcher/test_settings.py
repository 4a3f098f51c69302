"""What the dispatcher can be told, and what it refuses."""

from datetime import timedelta

import pytest

from recado.dispatcher.settings import DispatcherSettings
from recado.schemas.base import Platform
from recado.servicekit.settings import load


def test_telegram_is_sent_again_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    """WhatsApp waits for a status first; Telegram has none to wait for."""
    policies = DispatcherSettings().when_uncertain()
    assert policies[Platform.TELEGRAM].send_again
    assert policies[Platform.TELEGRAM].settled_within == timedelta(0)
    assert policies[Platform.WHATSAPP].settled_within == timedelta(seconds=10)
    monkeypatch.setenv("RECADO_TELEGRAM_UNCERTAIN", "leave")
    assert not DispatcherSettings().when_uncertain()[Platform.TELEGRAM].send_again


def test_a_claim_is_taken_over_after_the_send_timeout_and_the_skew() -> None:
    """Not before a request of it can have ended."""
    assert DispatcherSettings().timing().takeover_after == timedelta(seconds=12)


def test_a_send_longer_than_the_drain_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Else every rebalance would leave sends of unknown result behind."""
    monkeypatch.setenv("RECADO_SEND_TIMEOUT", "PT30S")
    with pytest.raises(SystemExit):
        load(DispatcherSettings)
    assert "RECADO_SEND_TIMEOUT" in capsys.readouterr().err


def test_sends_leave_slots_for_what_came_of_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A quarter is left unless told otherwise, and to leave none is refused."""
    assert DispatcherSettings().sending == 48
    monkeypatch.setenv("RECADO_CONCURRENCY", "2")
    assert load(DispatcherSettings).sending == 1
    monkeypatch.setenv("RECADO_CONCURRENCY", "200")
    assert load(DispatcherSettings).sending == 150
    monkeypatch.setenv("RECADO_MAX_SENDING", "199")
    assert load(DispatcherSettings).sending == 199
    monkeypatch.setenv("RECADO_MAX_SENDING", "200")
    with pytest.raises(SystemExit):
        load(DispatcherSettings)
    assert "RECADO_MAX_SENDING" in capsys.readouterr().err


def test_the_address_of_mongodb_is_never_shown() -> None:
    """It may hold a password."""
    assert "mongodb://" not in repr(DispatcherSettings())
