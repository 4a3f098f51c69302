"""Today's events against the released ones, and the tool that `make check` runs."""

import json
import subprocess
import sys
from pathlib import Path

from recado.schemas import export
from recado.schemas.compatibility import breaks

ROOT = Path(__file__).parents[3]
RELEASED = ROOT / "schemas" / "released"


def check(folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "tools.check_contract", folder],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_no_event_breaks_a_released_one() -> None:
    released = {
        path.name: json.loads(path.read_text(encoding="utf-8"))
        for path in RELEASED.glob("recado.*.json")
    }
    current = {name: json.loads(content) for name, content in export.json_schemas().items()}
    assert released
    assert breaks(released, current) == []


def test_the_tool_is_content_with_today() -> None:
    checked = check(RELEASED)
    assert checked.returncode == 0, checked.stdout
    assert "0 breaks" in checked.stdout


def test_the_tool_fails_on_a_break_and_names_the_services_that_read_the_event(
    tmp_path: Path,
) -> None:
    """A field was released that today's event does not have."""
    name = "recado.answer.generated.v1"
    event = json.loads((RELEASED / f"{name}.json").read_text(encoding="utf-8"))
    event["properties"]["mood"] = {"type": "string"}
    (tmp_path / f"{name}.json").write_text(json.dumps(event), encoding="utf-8")
    checked = check(tmp_path)
    assert checked.returncode == 1
    assert f"{name} $.mood: removed field" in checked.stdout
    assert "read by: dispatcher, rag\n" in checked.stdout


def test_the_tool_tells_which_readers_to_release_first_and_passes(tmp_path: Path) -> None:
    """A kind of message was not yet known at the release."""
    name = "recado.message.received.v1"
    event = json.loads((RELEASED / f"{name}.json").read_text(encoding="utf-8"))
    event["$defs"]["MessageKind"]["enum"].remove("sticker")
    (tmp_path / f"{name}.json").write_text(json.dumps(event), encoding="utf-8")
    checked = check(tmp_path)
    assert checked.returncode == 0
    assert f'{name} $.kind: readers first: new records may hold "sticker"' in checked.stdout
    assert "read by: dispatcher, rag\n" in checked.stdout


def test_nothing_to_compare_with_is_a_failure(tmp_path: Path) -> None:
    assert check(tmp_path).returncode == 1
