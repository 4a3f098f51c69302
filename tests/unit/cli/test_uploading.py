"""What `recado index` writes of large files, and that the topic holds them whatever breaks off."""

from contextlib import suppress
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from recado.cli import known as known_module
from recado.cli import uploading
from recado.cli.documents import plan
from recado.cli.known import KnownDocuments
from recado.cli.uploading import Uploader
from recado.indexer.indexing import Indexer
from recado.knowledge.errors import InvalidDocument
from recado.knowledge.extraction.limits import LEAST_PART_BYTES
from recado.knowledge.extraction.parts import open_document
from recado.knowledge.testing import InMemoryKnowledgeBase, WordEmbedder
from recado.schemas.events import DocumentPartSubmitted, DocumentSubmitted
from recado.servicekit.kafka import NotAcknowledged
from support.document_topic import DocumentTopic, Written, events_in


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of 16 KiB, so that some ten thousand words are a large file."""
    small = partial(open_document, part_bytes=LEAST_PART_BYTES)
    monkeypatch.setattr(uploading, "open_document", small)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "ayuda"
    made.mkdir()
    return made


def manual(word: str, sentences: int = 1200) -> str:
    """About 40 bytes a sentence; 1,200 are three parts."""
    return "\n\n".join(f"La {word} número {n} tiene su precio." for n in range(sentences)) + "\n"


async def index(topic: DocumentTopic, folder: Path, known: KnownDocuments | None = None) -> None:
    """A run of the command."""
    known = known or topic.known()
    done = plan([folder], known)
    uploader = Uploader(topic, known)
    for change in done.submit:
        await uploader.submit(change)
    await uploader.flush()
    await uploader.withdraw(*done.withdraw)
    for document in done.present:
        await uploader.tidy(document)


async def rebuilt(records: list[Written]) -> tuple[str, ...]:
    """The first words of the chunks that an empty store ends up with."""
    base = InMemoryKnowledgeBase(WordEmbedder())
    indexer = Indexer(base)
    for event in events_in(records):
        with suppress(InvalidDocument):
            await indexer.handle(event)
    passages = (await base.search("tarifa precio número", 50)).passages
    return tuple(sorted({one.text.split()[1] for one in passages}))


def parts_in(records: list[Written]) -> list[Written]:
    return [one for one in records if b"/" in one.key]


async def test_a_small_file_is_one_record_and_a_large_one_several(folder: Path) -> None:
    topic = DocumentTopic()
    (folder / "breve.txt").write_text("La tarifa es una.")
    (folder / "manual.txt").write_text(manual("tarifa"))
    await index(topic, folder)
    written = events_in(topic.records)
    parts = [one for one in written if isinstance(one, DocumentPartSubmitted)]
    finals = {one.source: one for one in written if isinstance(one, DocumentSubmitted)}
    assert (finals["breve.txt"].parts, len(finals["breve.txt"].sections)) == (0, 1)
    assert finals["manual.txt"].parts == len(parts) >= 3
    assert finals["manual.txt"].sections == ()
    assert [one.part for one in parts] == list(range(len(parts)))
    assert written.index(finals["manual.txt"]) > written.index(parts[-1])
    text = "\n\n".join(section.text for one in parts for section in one.sections)
    assert text.split() == manual("tarifa").split()


async def test_no_record_grows_with_the_file(folder: Path) -> None:
    topic = DocumentTopic()
    (folder / "manual.txt").write_text(manual("tarifa", 12_000))
    await index(topic, folder)
    assert len(parts_in(topic.records)) > 20
    assert topic.largest < 2 * LEAST_PART_BYTES


async def test_all_of_a_document_is_in_its_partition(folder: Path) -> None:
    topic = DocumentTopic()
    for word in ("tarifa", "cuota"):
        (folder / "manual.txt").write_text(manual(word))
        await index(topic, folder)
    assert len({one.partition_key for one in topic.records}) == 1
    assert any(one.value is None for one in topic.records)


async def test_the_parts_of_the_former_version_are_removed_after_the_new_one(
    folder: Path,
) -> None:
    topic = DocumentTopic()
    (folder / "manual.txt").write_text(manual("tarifa"))
    await index(topic, folder)
    old = {one.key for one in parts_in(topic.records)}
    (folder / "manual.txt").write_text(manual("cuota"))
    before = len(topic.records)
    await index(topic, folder)
    tail = topic.records[before:]
    final = next(n for n, one in enumerate(tail) if b"/" not in one.key)
    assert {one.key for one in tail[final + 1 :]} == old
    assert all(one.value is None for one in tail[final + 1 :])
    assert not old & {one.key for one in topic.compacted()}
    assert await rebuilt(topic.compacted()) == ("cuota",)
    assert await rebuilt(topic.records) == ("cuota",)


async def test_a_second_run_writes_nothing(folder: Path) -> None:
    topic = DocumentTopic()
    (folder / "manual.txt").write_text(manual("tarifa"))
    await index(topic, folder)
    before = len(topic.records)
    await index(topic, folder)
    assert len(topic.records) == before


@pytest.mark.parametrize("room", range(7))
async def test_an_upload_that_breaks_off_changes_nothing_and_the_next_finishes(
    folder: Path, room: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Amid the parts, before the last record, and amid the tombstones behind it."""
    topic = DocumentTopic()
    (folder / "manual.txt").write_text(manual("tarifa"))
    await index(topic, folder)
    of_version = len(topic.records)
    (folder / "manual.txt").write_text(manual("cuota"))
    topic.room = room
    with suppress(NotAcknowledged):
        await index(topic, folder)
    topic.room = None
    in_force = "tarifa" if room < of_version else "cuota"
    assert await rebuilt(topic.compacted()) == (in_force,)
    await index(topic, folder)
    assert await rebuilt(topic.compacted()) == ("cuota",)
    monkeypatch.setattr(known_module, "STRAY_AGE", timedelta(0))
    await index(topic, folder)
    assert await rebuilt(topic.compacted()) == ("cuota",)
    assert len(parts_in(topic.compacted())) == topic.known().documents.popitem()[1].parts


async def test_submitting_the_same_content_again_may_break_off_too(folder: Path) -> None:
    """Its parts do not lie over those that the document rests on."""
    topic = DocumentTopic()
    (folder / "manual.txt").write_text(manual("tarifa"))
    await index(topic, folder)
    topic.room = 2
    with pytest.raises(NotAcknowledged):
        await index(topic, folder, KnownDocuments())
    assert await rebuilt(topic.compacted()) == ("tarifa",)


async def test_a_document_of_which_a_part_is_missing_is_submitted_again(folder: Path) -> None:
    topic = DocumentTopic()
    (folder / "manual.txt").write_text(manual("tarifa"))
    await index(topic, folder)
    del topic.records[1]
    await index(topic, folder)
    assert await rebuilt(topic.compacted()) == ("tarifa",)


async def test_a_withdrawn_document_takes_its_parts_along(folder: Path) -> None:
    topic = DocumentTopic()
    (folder / "manual.txt").write_text(manual("tarifa"))
    await index(topic, folder)
    (folder / "manual.txt").unlink()
    await index(topic, folder)
    assert parts_in(topic.compacted()) == []
    assert await rebuilt(topic.compacted()) == ()


async def test_a_large_file_that_turns_out_bad_leaves_nothing(folder: Path) -> None:
    """Its first parts are written before its last is read."""
    topic = DocumentTopic()
    (folder / "datos.csv").write_text("pregunta,respuesta\n" + "¿Cuánto?,Diez.\n" * 4000)
    (change,) = plan([folder], topic.known()).submit
    known = topic.known()

    def touched(*_: object) -> None:
        (folder / "datos.csv").write_text("pregunta,respuesta\n¿Cuánto?,Once.\n")

    with pytest.raises(InvalidDocument, match="changed while it was read"):
        await Uploader(topic, known).submit(change, touched)
    assert parts_in(topic.records) != []
    assert topic.compacted() == []
    assert known.parts[change.document_id] == {}


async def test_a_part_of_another_command_at_work_is_left_alone(folder: Path) -> None:
    """Only after an hour is it taken for what an upload that broke off has left."""
    topic = DocumentTopic()
    (folder / "manual.txt").write_text(manual("tarifa"))
    await index(topic, folder)
    topic.room = 2
    with suppress(NotAcknowledged):
        await index(topic, folder, KnownDocuments())
    topic.room = None
    before = len(topic.records)
    await index(topic, folder)
    assert len(topic.records) == before


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("foto.png", b"\x89PNG", "unknown type"),
        ("roto.md", b"\x00\x01\x02" * 20, "binary"),
        ("vacio.md", b"", "empty"),
    ],
)
async def test_a_file_that_can_not_be_taken_is_refused_by_name_and_nothing_is_written(
    tmp_path: Path, name: str, content: bytes, reason: str
) -> None:
    topic = DocumentTopic()
    (tmp_path / name).write_bytes(content)
    (change,) = plan([tmp_path / name], topic.known()).submit
    with pytest.raises(InvalidDocument, match=reason) as refused:
        await Uploader(topic, topic.known()).submit(change)
    assert refused.value.source == name
    assert topic.records == []


async def test_a_file_that_went_before_it_was_read_is_refused(folder: Path) -> None:
    topic = DocumentTopic()
    (folder / "manual.txt").write_text(manual("tarifa"))
    (change,) = plan([folder], topic.known()).submit
    (folder / "manual.txt").unlink()
    with pytest.raises(InvalidDocument, match="No such file"):
        await Uploader(topic, topic.known()).submit(change)
