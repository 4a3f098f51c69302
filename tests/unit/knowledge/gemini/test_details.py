"""Whatever stands in an error of the Gemini API, reading it never fails."""

from datetime import timedelta

import httpx
import pytest

from recado.knowledge.embedders.gemini_details import lasts_all_day, reasons, retry_after


class Failed(Exception):
    """An error with the response's headers, as google-genai's has them."""

    def __init__(self, **headers: str) -> None:
        self.response = httpx.Response(429, headers=headers)


def details(*given: object) -> object:
    """The body of an error."""
    return {"error": {"details": list(given)}}


@pytest.mark.parametrize(
    ("header", "delay", "asked"),
    [
        ("5", "2.5s", timedelta(seconds=5)),
        ("1", "2.5s", timedelta(seconds=2.5)),
        ("Wed, 21 Oct 2015 07:28:00 GMT", "", timedelta(0)),
        ("", "", None),
    ],
)
def test_the_longer_wait_of_both_is_told(header: str, delay: str, asked: timedelta | None) -> None:
    error = Failed(**{"retry-after": header})
    assert retry_after(error, details({"retryDelay": delay})) == asked


@pytest.mark.parametrize("seconds", ["9" * 30, "٣", "-1", "1e9", "soon", "Mon, 01 Jan 99999"])
def test_a_wait_that_is_none_is_not_told(seconds: str) -> None:
    """A number that no timedelta holds among them."""
    assert retry_after(Failed(), details({"retryDelay": f"{seconds}s"}, None, 1)) is None
    if seconds.isascii():
        assert retry_after(Failed(**{"retry-after": seconds}), None) is None


@pytest.mark.parametrize("body", [None, "html", {"error": 1}, {"error": {"details": {}}}])
def test_another_body_says_nothing(body: object) -> None:
    assert (retry_after(ValueError(), body), list(reasons(body))) == (None, [])
    assert not lasts_all_day(body)
