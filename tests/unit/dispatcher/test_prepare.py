"""`python -m recado.dispatcher`: what it takes, and what `prepare` says where it fails."""

import pytest

from recado.dispatcher import store
from recado.dispatcher.__main__ import main
from recado.dispatcher.errors import StoreUnavailable


def test_an_argument_that_is_not_known_is_told_in_one_sentence(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Exit 2, and nothing is started."""
    for arguments in (["prepaer"], ["prepare", "now"], ["--help"]):
        assert main(arguments) == 2
        assert capsys.readouterr().err.count("\n") == 1


def test_mongodb_that_can_not_be_asked_is_told_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 1: the Job tries again."""

    async def away(url: str, database: str) -> None:
        raise StoreUnavailable("ServerSelectionTimeoutError")

    monkeypatch.setattr(store, "prepare", away)
    assert main(["prepare"]) == 1
    assert capsys.readouterr().err == ("MongoDB is not available: ServerSelectionTimeoutError.\n")


@pytest.mark.parametrize("address", ["http://user:s3cret@there", "mongodb://user:s3/cret@:x"])
def test_an_address_that_is_none_is_told_without_it(
    address: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It may hold a password."""
    monkeypatch.setenv("RECADO_MONGODB_URL", address)
    assert main(["prepare"]) == 1
    told = capsys.readouterr().err
    assert told.startswith("MongoDB refuses: its address is not valid")
    assert told.count("\n") == 1
    assert "s3" not in told
