"""Logs hide secrets, and the libraries below do not log addresses with tokens in them."""

import json
import logging

import pytest
import structlog

from recado.servicekit import logs
from recado.servicekit.logs import configure  # before `own_logging` puts nothing in its place


@pytest.fixture(autouse=True)
def restored() -> object:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    loggers = [logging.getLogger(name) for name in logs.CHATTY]
    levels = [one.level for one in loggers]
    yield
    root.handlers[:] = handlers
    for logger, before in zip((root, *loggers), (level, *levels), strict=True):
        logger.setLevel(before)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def test_values_that_sound_secret_are_hidden(capsys: pytest.CaptureFixture[str]) -> None:
    configure("test")
    structlog.stdlib.get_logger("x").info(
        "sent", bot_token="1:abc", app_secret="s3", prompt_tokens=7, chat_id="ok"
    )
    line = json.loads(capsys.readouterr().err)
    assert line["bot_token"] == line["app_secret"] == logs.HIDDEN
    assert line["prompt_tokens"] == 7
    assert line["service"] == "test"


def test_http_clients_do_not_log_requests(capsys: pytest.CaptureFixture[str]) -> None:
    configure("test")
    logging.getLogger("httpx").info("POST https://api.telegram.org/bot1:abc/sendMessage")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("style", ["console", "json"])
def test_an_error_is_shown_without_the_values_that_led_to_it(
    capsys: pytest.CaptureFixture[str], style: str
) -> None:
    configure("test", style=style)

    def sends(token: str) -> None:
        raise RuntimeError(f"nothing of {len(token)} characters")

    try:
        sends("-".join(("1", "abc")))
    except RuntimeError:
        structlog.stdlib.get_logger("x").exception("broke")
    shown = capsys.readouterr().err
    assert "RuntimeError" in shown
    assert "1-abc" not in shown
