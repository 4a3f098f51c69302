"""What is printed, for people and for programs."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from recado.cli import stored
from recado.cli.mongodb import stored as reading
from recado.cli.output import CliError, console, print_json, print_table
from recado.cli.settings import CliSettings

AT = datetime(2026, 11, 22, 15, 30, tzinfo=UTC)


def test_json_is_one_document_in_utf_8(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"texto": "¿Qué?"})
    written = capsys.readouterr().out
    assert json.loads(written) == {"texto": "¿Qué?"}
    assert "¿Qué?" in written


def test_a_table_takes_nothing_for_markup(capsys: pytest.CaptureFixture[str]) -> None:
    """What a platform calls an event may look like it."""
    with console.capture() as captured:
        print_table("Webhooks", ("event", "error"), [("[red]x[/]", "[/]")])
    assert "[red]x[/]" in captured.get()


def test_stored_rows_become_json_with_ids_and_times(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`_id` is `id`, times are RFC 3339, whatever is nested."""

    async def rows(wanted: object, limit: int) -> list[Mapping[str, object]]:
        return [{"_id": "w1", "received_at": AT, "event_ids": ["m1"], "more": {"at": AT}}]

    monkeypatch.setattr(stored, "_webhooks", rows)
    stored.webhooks(limit=10, as_json=True)
    assert json.loads(capsys.readouterr().out) == [
        {
            "id": "w1",
            "received_at": "2026-11-22T15:30:00+00:00",
            "event_ids": ["m1"],
            "more": {"at": "2026-11-22T15:30:00+00:00"},
        }
    ]


async def test_a_wrong_address_of_mongodb_is_one_sentence_without_the_password() -> None:
    settings = CliSettings(mongodb_url="mongodb://user:p@ss@127.0.0.1:1/")
    with pytest.raises(CliError) as refused:
        async with reading(settings):
            pass
    assert str(refused.value) == "RECADO_MONGODB_URL is not an address of MongoDB."
