"""What `recado index` sends: what is new, changed or gone, and nothing else."""

import os
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from recado.cli.documents import Plan, Stamp, plan
from recado.cli.known import Known, KnownDocuments
from recado.schemas import ids

NOTHING = KnownDocuments()
PAGE = "# Señal débil\n\nAcércate al router.\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A collection with one page."""
    made = tmp_path / "ayuda"
    made.mkdir()
    (made / "wifi.md").write_text(PAGE, encoding="utf-8")
    return made


def known_after(done: Plan) -> KnownDocuments:
    """What the topic says once the plan was sent."""
    return KnownDocuments(
        {
            one.document_id: Known(one.collection, one.source, one.content_sha256, UUID(int=1))
            for one in done.submit
        }
    )


def sources(done: Plan) -> tuple[list[str], list[str], list[str], list[str]]:
    """Submitted, unchanged, withdrawn, refused."""
    return (
        [one.source for one in done.submit],
        done.unchanged,
        [one.source for one in done.withdraw],
        [one.source for one in done.refused],
    )


def test_a_new_file_is_submitted_under_its_folder_s_name(folder: Path) -> None:
    done = plan([folder], NOTHING)
    assert sources(done) == (["wifi.md"], [], [], [])
    (submitted,) = done.submit
    assert (submitted.collection, submitted.file) == ("ayuda", folder / "wifi.md")
    assert submitted.document_id == ids.document_id("ayuda", "wifi.md")


def test_an_unchanged_file_is_not_submitted_unless_asked_again(folder: Path) -> None:
    known = known_after(plan([folder], NOTHING))
    assert sources(plan([folder], known)) == ([], ["wifi.md"], [], [])
    assert sources(plan([folder], known, again=True)) == (["wifi.md"], [], [], [])


def test_a_changed_file_is_submitted_as_another_version_of_the_same_document(folder: Path) -> None:
    first = plan([folder], NOTHING)
    (folder / "wifi.md").write_text(PAGE + "\nMejor por cable.\n", encoding="utf-8")
    second = plan([folder], known_after(first))
    assert sources(second) == (["wifi.md"], [], [], [])
    assert second.submit[0].document_id == first.submit[0].document_id
    assert second.submit[0].content_sha256 != first.submit[0].content_sha256


def test_a_file_that_is_gone_is_withdrawn_from_its_own_collection_only(folder: Path) -> None:
    known = known_after(plan([folder], NOTHING))
    elsewhere = UUID(int=7)
    known.documents[elsewhere] = Known("otra", "wifi.md", "0", UUID(int=1))
    (folder / "wifi.md").unlink()
    done = plan([folder], known)
    assert sources(done) == ([], [], ["wifi.md"], [])
    assert done.withdraw[0].document_id == ids.document_id("ayuda", "wifi.md")


def test_a_file_named_by_itself_withdraws_nothing(folder: Path) -> None:
    (folder / "otro.md").write_text("# Otro\n\nMás.\n", encoding="utf-8")
    known = known_after(plan([folder], NOTHING))
    (folder / "otro.md").unlink()
    assert sources(plan([folder / "wifi.md"], known)) == ([], ["wifi.md"], [], [])


def test_a_missing_file_is_refused_with_the_system_s_reason(tmp_path: Path) -> None:
    (refused,) = plan([tmp_path / "nada.md"], NOTHING).refused
    assert (refused.source, refused.reason) == ("nada.md", "No such file or directory")


def test_hidden_files_and_folders_are_passed_over(folder: Path) -> None:
    (folder / ".borrador.md").write_text(PAGE, encoding="utf-8")
    (folder / ".git").mkdir()
    (folder / ".git" / "x.md").write_text(PAGE, encoding="utf-8")
    assert sources(plan([folder], NOTHING))[0] == ["wifi.md"]


def test_a_folder_below_a_hidden_one_is_read(tmp_path: Path) -> None:
    """Only what is hidden below the folder that was named counts."""
    folder = tmp_path / ".notas" / "ayuda"
    folder.mkdir(parents=True)
    (folder / "wifi.md").write_text(PAGE, encoding="utf-8")
    assert sources(plan([folder], NOTHING))[0] == ["wifi.md"]


def test_a_file_further_down_is_named_by_its_path(folder: Path) -> None:
    (folder / "tv").mkdir()
    (folder / "tv" / "canales.md").write_text(PAGE, encoding="utf-8")
    assert sources(plan([folder], NOTHING))[0] == ["tv/canales.md", "wifi.md"]


def test_a_given_collection_takes_the_place_of_the_folder_s_name(folder: Path) -> None:
    assert plan([folder], NOTHING, collection="soporte").submit[0].collection == "soporte"


def test_two_folders_of_one_collection_do_not_withdraw_each_other_s_files(tmp_path: Path) -> None:
    """What one folder has not is not gone as long as the other has it."""
    paths = []
    for name in ("a", "b"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / f"{name}.md").write_text(PAGE, encoding="utf-8")
        paths.append(folder)
    known = known_after(plan(paths, NOTHING, collection="soporte"))
    assert sources(plan(paths, known, collection="soporte")) == ([], ["a.md", "b.md"], [], [])


def test_a_second_file_of_one_name_in_a_collection_is_refused(folder: Path, tmp_path: Path) -> None:
    """Else each run would put the one in the other's place."""
    other = tmp_path / "otra" / "ayuda"
    other.mkdir(parents=True)
    (other / "wifi.md").write_text("# Otra\n\nDistinta.\n", encoding="utf-8")
    done = plan([folder, other], NOTHING)
    assert sources(done) == (["wifi.md"], [], [], ["wifi.md"])
    assert done.submit[0].file == folder / "wifi.md"


def test_a_file_named_twice_is_one_document(folder: Path) -> None:
    assert sources(plan([folder, folder / "wifi.md"], NOTHING)) == (["wifi.md"], [], [], [])


def test_a_renamed_file_is_withdrawn_submitted_and_told(folder: Path) -> None:
    known = known_after(plan([folder], NOTHING))
    (folder / "wifi.md").rename(folder / "señal.md")
    done = plan([folder], known)
    assert sources(done) == (["señal.md"], [], ["wifi.md"], [])
    assert done.renamed == [("wifi.md", "señal.md")]


def test_what_editors_leave_beside_a_file_is_passed_over(folder: Path) -> None:
    for name in ("~$wifi.md", "wifi.md~", ".#wifi.md", ".wifi.md.swp"):
        (folder / name).write_text(PAGE, encoding="utf-8")
    assert sources(plan([folder], NOTHING))[0] == ["wifi.md"]


def test_a_link_is_the_file_that_it_leads_to(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "otra.md"
    target.write_text(PAGE, encoding="utf-8")
    (folder / "enlace.md").symlink_to(target)
    seen: dict[Path, Stamp] = {}
    known = known_after(plan([folder], NOTHING, seen=seen))
    target.write_text(PAGE + "Más.\n", encoding="utf-8")
    assert sources(plan([folder], known, seen=seen)) == (["enlace.md"], ["wifi.md"], [], [])


def test_a_file_with_the_stamp_of_the_last_round_is_not_looked_into(folder: Path) -> None:
    """Not even if it was refused then: it is named once."""
    seen: dict[Path, Stamp] = {}
    assert sources(plan([folder], NOTHING, seen=seen))[0] == ["wifi.md"]
    assert sources(plan([folder], NOTHING, seen=seen)) == ([], ["wifi.md"], [], [])


def test_a_file_that_was_away_for_a_round_is_new(folder: Path, tmp_path: Path) -> None:
    seen: dict[Path, Stamp] = {}
    plan([folder], NOTHING, seen=seen)
    (folder / "wifi.md").rename(tmp_path / "wifi.md")
    plan([folder], NOTHING, seen=seen)
    (tmp_path / "wifi.md").rename(folder / "wifi.md")
    assert sources(plan([folder], NOTHING, seen=seen))[0] == ["wifi.md"]


def test_a_link_that_leads_nowhere_is_refused_and_what_is_known_of_it_stays(
    folder: Path, tmp_path: Path
) -> None:
    target = tmp_path / "otra.md"
    target.write_text(PAGE, encoding="utf-8")
    (folder / "enlace.md").symlink_to(target)
    known = known_after(plan([folder], NOTHING))
    target.unlink()
    assert sources(plan([folder], known)) == ([], ["wifi.md"], [], ["enlace.md"])


@pytest.mark.parametrize("place", ["tv", ""])
def test_nothing_below_a_folder_that_cannot_be_listed_is_withdrawn(
    folder: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """Permissions taken away by mistake, or a share that fails, must not empty the knowledge."""
    (folder / "tv").mkdir()
    (folder / "tv" / "canales.md").write_text(PAGE, encoding="utf-8")
    known = known_after(plan([folder], NOTHING))
    (folder / "wifi.md").unlink()
    listed = os.scandir

    def scandir(path: str | Path) -> "Iterator[os.DirEntry[str]]":
        if Path(path) == folder / place:
            raise PermissionError(13, "Permission denied", str(path))
        return listed(path)

    monkeypatch.setattr(os, "scandir", scandir)
    done = plan([folder], known)
    (refused,) = done.refused
    if place:
        assert (refused.source, refused.reason) == ("tv/", "Permission denied")
        assert [one.source for one in done.withdraw] == ["wifi.md"]
    else:
        assert (refused.source, refused.reason) == (str(folder), "Permission denied")
        assert done.withdraw == []


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "tubo.txt")
    (refused,) = plan([tmp_path / "tubo.txt"], NOTHING).refused
    assert refused.reason == "not a regular file"


def test_a_name_that_is_not_utf_8_is_refused_by_name(folder: Path) -> None:
    """Such names come out of old zip archives."""
    (folder / os.fsdecode(b"a\xf1o.md")).write_text(PAGE, encoding="utf-8")
    done = plan([folder], NOTHING)
    assert sources(done) == (["wifi.md"], [], [], ["a?o.md"])
    assert done.refused[0].reason == "its name is not UTF-8"


def test_what_cannot_be_read_is_told_once_while_that_lasts_and_taken_when_it_can(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a stamp or without: permission that is given afterwards does not change a file's."""
    opened = Path.open

    def denied(self: Path, mode: str = "r") -> object:
        if self.name == "wifi.md":
            raise PermissionError(13, "Permission denied", str(self))
        return opened(self, mode)

    (folder / "enlace.md").symlink_to(tmp_path / "otra.md")
    other = tmp_path / "otra" / "ayuda"
    other.mkdir(parents=True)
    (other / "wifi.md").write_text("# Otra\n\nDistinta.\n", encoding="utf-8")
    seen: dict[Path, Stamp] = {}
    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", denied)
        first = plan([folder, other], NOTHING, seen=seen)
        again = plan([folder, other], NOTHING, seen=seen)
    assert sources(first) == ([], [], [], ["enlace.md", "wifi.md", "wifi.md"])
    assert sources(again) == ([], [], [], [])
    (tmp_path / "otra.md").write_text(PAGE, encoding="utf-8")
    (other / "wifi.md").unlink()
    done = plan([folder, other], NOTHING, seen=seen)
    assert sources(done) == (["enlace.md", "wifi.md"], [], [], [])
