"""A platform is one folder: with it alone Recado takes its messages and sends its answers."""

import asyncio
import json
import sys
from pathlib import Path

import pytest

import recado.channels
from recado.channels.errors import MisnamedChannel
from recado.channels.registry import CHANNELS, discover

TOY = Path(__file__).parent / "toy"
TESTS = Path(__file__).parents[2]


async def test_a_folder_beside_the_others_is_all_that_a_platform_needs() -> None:
    """A process of its own, for the channels are found when they are imported."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "support.toy_journey", str(TOY),
        cwd=TESTS, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(60):
        out, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    told = json.loads(out.splitlines()[-1])
    assert told["platforms"] == ["sms", "telegram", "whatsapp"]
    assert told["conversation"] == "sms:main:51900"
    assert told["messages_counted"] == 1
    assert told["outcome"] == "answer.delivered"
    assert {one["to"] for one in told["sent"]} == {"51900"}
    assert all(len(one["text"]) <= 160 for one in told["sent"])
    assert " ".join(one["text"] for one in told["sent"]).count("Reinicia") == 20


def test_the_channels_are_the_folders_that_offer_one() -> None:
    assert discover(recado.channels.__path__) == CHANNELS
    assert list(CHANNELS) == ["telegram", "whatsapp"]


def test_a_folder_must_have_its_platforms_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pigeon").mkdir()
    (tmp_path / "pigeon" / "__init__.py").write_text(
        "from recado.channels.telegram import CHANNEL as CHANNEL\n", encoding="utf-8"
    )
    monkeypatch.setattr(recado.channels, "__path__", [*recado.channels.__path__, str(tmp_path)])
    with pytest.raises(MisnamedChannel) as refused:
        discover([str(tmp_path)])
    assert (refused.value.folder, refused.value.platform) == ("pigeon", "telegram")
    monkeypatch.delitem(sys.modules, "recado.channels.pigeon")
