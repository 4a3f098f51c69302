"""Files and folders as documents of the knowledge base.

A folder is a collection by its name, its files are the collection's documents. What the documents
topic says already (`known`) decides what must be submitted. Files are compared by their hash, read
in small pieces; what is in them is looked at only when they are submitted (`uploading`).
"""

from collections.abc import Iterator, MutableMapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import file_digest
from pathlib import Path
from uuid import UUID

from recado.cli.known import KnownDocuments
from recado.knowledge.errors import InvalidDocument
from recado.knowledge.extraction import media_type_of
from recado.schemas import ids
from recado.schemas.events import DocumentWithdrawn

Stamp = tuple[int, int, int, int]
"""Device, inode, size and time of change: what differs after a file was written or exchanged."""


@dataclass(frozen=True, slots=True)
class Change:
    """A file that must be submitted."""

    file: Path
    stamp: Stamp
    """Of the file when its hash was taken."""
    document_id: UUID
    collection: str
    source: str
    content_sha256: str


@dataclass
class Plan:
    """What must be sent so that the knowledge base follows the files."""

    submit: list[Change] = field(default_factory=list)
    withdraw: list[DocumentWithdrawn] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    refused: list[InvalidDocument] = field(default_factory=list)
    renamed: list[tuple[str, str]] = field(default_factory=list)
    """Old and new source of what is both withdrawn and submitted, the same to the last byte."""
    present: list[UUID] = field(default_factory=list)
    """All documents that there is a file of."""

    def refuse(self, change: Change, refused: InvalidDocument) -> None:
        """What was to be submitted is not."""
        self.submit.remove(change)
        self.refused.append(refused)


def plan(
    paths: Sequence[Path],
    known: KnownDocuments,
    *,
    collection: str | None = None,
    again: bool = False,
    seen: MutableMapping[Path, Stamp] | None = None,
) -> Plan:
    """Compare the files with what is known. `again` submits what is unchanged, too.

    A file that a folder's collection had and none of its folders has any more is withdrawn; a file
    named by itself withdraws nothing. A file that can't be read, or has the name of another of its
    collection, is refused by name and does not stop the others; what is known of it stays.

    A file that has the stamp in `seen` is taken for unchanged without being read, whatever became
    of it then; the stamps of the others are put there.
    """
    result = Plan()
    now = datetime.now(UTC)
    present: dict[UUID, Path] = {}
    whole: set[str] = set()
    for path in paths:
        name = collection or _collection(path)
        if path.is_dir():
            whole.add(name)
        for file, source in files_of(path):
            document_id = ids.document_id(name, source)
            if document_id not in present:
                present[document_id] = file
                _compare(result, file, name, source, known, again=again, seen=seen)
            elif not _same_file(present[document_id], file):
                reason = "another file of the same collection has this name"
                result.refused.append(InvalidDocument(source, reason))
    gone = [
        (document_id, one)
        for document_id, one in known.documents.items()
        if one.collection in whole and document_id not in present
    ]
    result.withdraw = [
        DocumentWithdrawn(
            id=ids.withdrawal_id(document_id, now),
            occurred_at=now,
            document_id=document_id,
            collection=one.collection,
            source=one.source,
        )
        for document_id, one in sorted(gone, key=lambda pair: pair[1].source)
    ]
    new = {
        (change.collection, change.content_sha256): change.source
        for change in result.submit
        if change.document_id not in known.documents
    }
    result.renamed = [
        (one.source, new[one.collection, one.content_sha256])
        for _, one in sorted(gone, key=lambda pair: pair[1].source)
        if (one.collection, one.content_sha256) in new
    ]
    result.present = list(present)
    if seen is not None:
        for file in seen.keys() - present.values():
            del seen[file]  # should it come back, it is new again
    return result


def stamp_of(file: Path) -> Stamp:
    """Raises OSError."""
    found = file.stat()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def files_of(path: Path) -> Iterator[tuple[Path, str]]:
    """The files below a folder that are of a kind we read, by name; or the one file.

    Hidden ones are passed over, and what editors leave beside a file that is open (`~$name`).
    """
    if not path.is_dir():
        yield path, path.name
        return
    for file in sorted(path.rglob("*")):
        passing = any(part.startswith((".", "~")) for part in file.relative_to(path).parts)
        if not passing and media_type_of(file) is not None and file.is_file():
            yield file, file.relative_to(path).as_posix()


def _compare(
    result: Plan,
    file: Path,
    collection: str,
    source: str,
    known: KnownDocuments,
    *,
    again: bool,
    seen: MutableMapping[Path, Stamp] | None,
) -> None:
    document_id = ids.document_id(collection, source)
    try:
        stamp = stamp_of(file)
        if seen is not None:
            if seen.get(file) == stamp:
                result.unchanged.append(source)
                return
            seen[file] = stamp
        with file.open("rb") as opened:
            digest = file_digest(opened, "sha256").hexdigest()
    except OSError as unreadable:
        reason = unreadable.strerror or type(unreadable).__name__
        result.refused.append(InvalidDocument(source, reason))
        return
    if not again and known.holds(document_id, digest):
        result.unchanged.append(source)
    else:
        result.submit.append(Change(file, stamp, document_id, collection, source, digest))


def _same_file(one: Path, other: Path) -> bool:
    return one.resolve() == other.resolve()


def _collection(path: Path) -> str:
    resolved = path.resolve()
    return resolved.name if path.is_dir() else resolved.parent.name
