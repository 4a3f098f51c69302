"""Keeps bot tokens out of the HTTP library's log.

A bot's token is part of every address of the Bot API, and httpx logs each request with its address
at INFO.
"""

import logging
import re

_TOKEN = re.compile(r"/bot[0-9]+:[A-Za-z0-9_-]+")
HTTP_LOGGER = "httpx"


class _HideTokens(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        hidden = _TOKEN.sub("/bot***", message)
        if hidden != message:
            record.msg, record.args = hidden, ()
        return True


_FILTER = _HideTokens()


def hide_tokens() -> None:
    """See to it that no bot token gets into httpx's log. May be called any number of times."""
    logging.getLogger(HTTP_LOGGER).addFilter(_FILTER)
