"""What `recado index` sends: what is new, changed or gone, and nothing else."""

from collections.abc import Mapping
from pathlib import Path
from uuid import UUID

import pytest

from recado.cli.documents import Known, Plan, plan
from recado.schemas import ids

PAGE = "# Señal débil\n\nAcércate al router.\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A collection with one page."""
    made = tmp_path / "ayuda"
    made.mkdir()
    (made / "wifi.md").write_text(PAGE, encoding="utf-8")
    return made


def known_after(done: Plan) -> Mapping[UUID, Known]:
    """What the topic says once the plan was sent."""
    return {
        one.document_id: Known(one.collection, one.source, one.title, one.content_sha256)
        for one in done.submit
    }


def sources(done: Plan) -> tuple[list[str], list[str], list[str], list[str]]:
    """Submitted, unchanged, withdrawn, refused."""
    return (
        [one.source for one in done.submit],
        done.unchanged,
        [one.source for one in done.withdraw],
        [one.source for one in done.refused],
    )


def test_a_new_file_is_submitted_under_its_folder_s_name(folder: Path) -> None:
    done = plan([folder], {})
    assert sources(done) == (["wifi.md"], [], [], [])
    (submitted,) = done.submit
    assert (submitted.collection, submitted.title) == ("ayuda", "Señal débil")
    assert submitted.document_id == ids.document_id("ayuda", "wifi.md")


def test_an_unchanged_file_is_not_submitted_unless_asked_again(folder: Path) -> None:
    known = known_after(plan([folder], {}))
    assert sources(plan([folder], known)) == ([], ["wifi.md"], [], [])
    assert sources(plan([folder], known, again=True)) == (["wifi.md"], [], [], [])


def test_a_changed_file_is_submitted_with_another_id_of_the_same_document(folder: Path) -> None:
    first = plan([folder], {})
    (folder / "wifi.md").write_text(PAGE + "\nMejor por cable.\n", encoding="utf-8")
    second = plan([folder], known_after(first))
    assert sources(second) == (["wifi.md"], [], [], [])
    assert second.submit[0].document_id == first.submit[0].document_id
    assert second.submit[0].id != first.submit[0].id


def test_a_file_that_is_gone_is_withdrawn_from_its_own_collection_only(folder: Path) -> None:
    known = dict(known_after(plan([folder], {})))
    elsewhere = UUID(int=7)
    known[elsewhere] = Known("otra", "wifi.md", "Otra", "0")
    (folder / "wifi.md").unlink()
    done = plan([folder], known)
    assert sources(done) == ([], [], ["wifi.md"], [])
    assert done.withdraw[0].document_id == ids.document_id("ayuda", "wifi.md")


def test_a_file_named_by_itself_withdraws_nothing(folder: Path) -> None:
    (folder / "otro.md").write_text("# Otro\n\nMás.\n", encoding="utf-8")
    known = known_after(plan([folder], {}))
    (folder / "otro.md").unlink()
    assert sources(plan([folder / "wifi.md"], known)) == ([], ["wifi.md"], [], [])


def test_a_file_that_can_not_be_read_is_refused_and_what_is_known_of_it_stays(
    folder: Path,
) -> None:
    (folder / "roto.md").write_text("# Roto\n\nAún no.\n", encoding="utf-8")
    known = known_after(plan([folder], {}))
    (folder / "roto.md").write_bytes(b"\xff\xfe\xff")
    done = plan([folder], known)
    assert sources(done) == ([], ["wifi.md"], [], ["roto.md"])
    assert "UTF-8" in done.refused[0].reason


def test_a_file_of_an_unknown_kind_is_refused_by_name_and_passed_over_in_a_folder(
    folder: Path,
) -> None:
    (folder / "foto.png").write_bytes(b"\x89PNG")
    assert sources(plan([folder], {}))[3] == []
    assert sources(plan([folder / "foto.png"], {}))[3] == ["foto.png"]


def test_a_missing_file_is_refused_with_the_system_s_reason(tmp_path: Path) -> None:
    (refused,) = plan([tmp_path / "nada.md"], {}).refused
    assert (refused.source, refused.reason) == ("nada.md", "No such file or directory")


def test_hidden_files_and_folders_are_passed_over(folder: Path) -> None:
    (folder / ".borrador.md").write_text(PAGE, encoding="utf-8")
    (folder / ".git").mkdir()
    (folder / ".git" / "x.md").write_text(PAGE, encoding="utf-8")
    assert sources(plan([folder], {}))[0] == ["wifi.md"]


def test_a_folder_below_a_hidden_one_is_read(tmp_path: Path) -> None:
    """Only what is hidden below the folder that was named counts."""
    folder = tmp_path / ".notas" / "ayuda"
    folder.mkdir(parents=True)
    (folder / "wifi.md").write_text(PAGE, encoding="utf-8")
    assert sources(plan([folder], {}))[0] == ["wifi.md"]


def test_a_file_further_down_is_named_by_its_path(folder: Path) -> None:
    (folder / "tv").mkdir()
    (folder / "tv" / "canales.md").write_text(PAGE, encoding="utf-8")
    assert sources(plan([folder], {}))[0] == ["tv/canales.md", "wifi.md"]


def test_a_given_collection_takes_the_place_of_the_folder_s_name(folder: Path) -> None:
    assert plan([folder], {}, collection="soporte").submit[0].collection == "soporte"


def test_two_folders_of_one_collection_do_not_withdraw_each_other_s_files(tmp_path: Path) -> None:
    """What one folder has not is not gone as long as the other has it."""
    paths = []
    for name in ("a", "b"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / f"{name}.md").write_text(PAGE, encoding="utf-8")
        paths.append(folder)
    known = known_after(plan(paths, {}, collection="soporte"))
    assert sources(plan(paths, known, collection="soporte")) == ([], ["a.md", "b.md"], [], [])


def test_a_second_file_of_one_name_in_a_collection_is_refused(folder: Path, tmp_path: Path) -> None:
    """Else each run would put the one in the other's place."""
    other = tmp_path / "otra" / "ayuda"
    other.mkdir(parents=True)
    (other / "wifi.md").write_text("# Otra\n\nDistinta.\n", encoding="utf-8")
    done = plan([folder, other], {})
    assert sources(done) == (["wifi.md"], [], [], ["wifi.md"])
    assert done.submit[0].title == "Señal débil"


def test_a_file_named_twice_is_one_document(folder: Path) -> None:
    assert sources(plan([folder, folder / "wifi.md"], {})) == (["wifi.md"], [], [], [])
