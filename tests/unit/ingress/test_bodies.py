"""A body is JSON by its headers, within its size, in time, within all memory."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from .receiving import (
    LIMIT,
    Bench,
)


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "j"])
async def test_another_content_type_than_json_is_415(bench: Bench, content_type: str) -> None:
    assert (await bench.post({}, content_type=content_type)).status == 415
    assert bench.budget.held == 0


@pytest.mark.parametrize(
    "content_type",
    ["application/json; charset=utf-8", "Application/JSON", "application/a+json", ""],
)
async def test_json_by_any_of_its_names_or_none_is_taken(bench: Bench, content_type: str) -> None:
    assert (await bench.post({}, content_type=content_type)).status == 200


async def test_a_compressed_body_is_415(bench: Bench) -> None:
    assert (await bench.post({}, content_encoding="gzip")).status == 415


async def test_a_body_at_the_limit_is_taken_and_one_beyond_it_is_413(bench: Bench) -> None:
    assert (await bench.post(body=b'"' + b"x" * (LIMIT - 2) + b'"', secret="no")).status == 401
    assert (await bench.post(body=b'"' + b"x" * (LIMIT - 1) + b'"', secret="no")).status == 413


async def test_a_body_that_is_too_large_is_not_read_to_its_end(bench: Bench) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 100
            yield b"x" * 100

    assert (await bench.post(body=endless())).status == 413
    assert sent <= LIMIT + 100


async def test_a_body_that_says_that_it_is_too_large_is_not_read_at_all(bench: Bench) -> None:
    read = False

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal read
        read = True
        yield b"{}"

    assert (await bench.post(body=chunks(), content_length=str(LIMIT + 1))).status == 413
    assert not read


async def test_a_body_that_does_not_come_is_408(bench: Bench) -> None:
    async def stalled() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(60)

    assert (await bench.post(body=stalled())).status == 408
    assert bench.budget.held == 0


async def test_more_bytes_than_are_set_aside_are_503(bench: Bench) -> None:
    with bench.budget.hold() as others:
        others.grow(4 * LIMIT - 10)
        assert (await bench.post({"messages": ["a"]})).status == 503

    assert (await bench.post({"messages": ["a"]})).status == 200


async def test_the_size_is_checked_before_the_secret(bench: Bench) -> None:
    assert (await bench.post(body=b"x" * (LIMIT + 1), secret="wrong")).status == 413
