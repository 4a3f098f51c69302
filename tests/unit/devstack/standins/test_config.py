"""The file of settings is read strictly; without one the demo's settings hold."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from recado.devstack.standins.config import load


def test_without_a_file_the_demos_customers_are_known() -> None:
    config = load(None)
    assert {
        getattr(each, "number", None) or getattr(each, "chat", None) for each in config.customers
    } == {
        "1234567890",
        123456,
    }
    assert config.bounds.records == 50_000


def test_yaml_and_json_are_read_alike(tmp_path: Path) -> None:
    yaml, json = tmp_path / "a.yaml", tmp_path / "a.json"
    yaml.write_text("whatsapp:\n  access_tokens: [abc]\n  webhook: {url: 'http://x/'}\n")
    json.write_text('{"whatsapp": {"access_tokens": ["abc"], "webhook": {"url": "http://x/"}}}')
    assert load(yaml) == load(json)
    assert load(yaml).whatsapp.access_tokens[0].get_secret_value() == "abc"


@pytest.mark.parametrize(
    "text",
    [
        "whatsap: {}",
        "telegram: {bots: [{token: no-id}]}",
        "customers: [{platform: whatsapp}]",
        "bounds: {records: 0}",
    ],
)
def test_a_setting_that_makes_no_sense_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(ValidationError):
        load(path)


def test_no_secret_is_shown_by_printing_the_settings() -> None:
    assert "demo-token" not in repr(load(None))
