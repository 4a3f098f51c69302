"""The exported contract is what the code says today."""

import subprocess
import sys
from pathlib import Path

from recado.schemas import events, export
from support import examples

ROOT = Path(__file__).parents[3]


def test_the_exported_files_are_not_stale(tmp_path: Path) -> None:
    """`make contract` writes them anew."""
    subprocess.run([sys.executable, ROOT / "tools/export_contract.py", tmp_path], check=True)
    fresh = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()}
    kept = {
        path.name: path.read_text(encoding="utf-8")
        for path in (ROOT / "schemas/exported").iterdir()
    }
    assert fresh == kept


def test_each_event_has_a_schema_that_names_its_topic() -> None:
    schemas = export.json_schemas()
    assert len(schemas) == len(examples.ALL)
    message = schemas["recado.message.received.v1.json"]
    assert '"x-topic": "recado.messages"' in message
    for field in events.MessageReceived.model_fields:
        assert f'"{field}"' in message
