"""Files and folders as documents of the knowledge base.

A folder is a collection by its name, its files are the collection's documents. What the documents
topic says already (`known`) decides what must be submitted. Files are compared by their hash, read
in small pieces; what is in them is looked at only when they are submitted (`uploading`).
"""

import os
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import file_digest
from pathlib import Path
from stat import S_ISREG
from uuid import UUID

from recado.cli.known import KnownDocuments
from recado.knowledge.errors import InvalidDocument
from recado.knowledge.extraction import media_type_of
from recado.knowledge.extraction.decoding import open_regular
from recado.schemas import ids
from recado.schemas.events import DocumentWithdrawn

Stamp = tuple[int, int, int, int]
"""Device, inode, size and time of change: what differs after a file was written or exchanged."""

_REFUSED: Stamp = (0, 0, 0, 0)
"""In the place of a stamp: what was refused unread is tried again in each round, but told once."""


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
    named by itself withdraws nothing. A file or folder that can't be read, or a file that has the
    name of another of its collection, is refused by name and does not stop the others; what is
    known of it, or of what was below it, stays.

    A file that has the stamp in `seen` is taken for unchanged without being read, whatever became
    of it then; the stamps of the others are put there. What could not be read is tried again, and
    refused again only if it was readable in between.
    """
    result = Plan()
    unread: set[Path] = set()

    def refuse(place: Path, source: str, reason: str) -> None:
        unread.add(place)
        if seen is None or seen.get(place) != _REFUSED:
            result.refused.append(InvalidDocument(source, reason))
        if seen is not None:
            seen[place] = _REFUSED

    now = datetime.now(UTC)
    present: dict[UUID, Path] = {}
    whole: set[str] = set()
    hidden: set[tuple[str, str]] = set()
    for path in paths:
        name = collection or _collection(path)
        if path.is_dir():
            whole.add(name)
        unreadable: list[tuple[str, OSError]] = []
        for file, source in files_of(path, lambda *one, to=unreadable: to.append(one)):
            if not (_is_text(name) and _is_text(source)):
                told = _shown(source if _is_text(name) else f"{name}/{source}")
                refuse(file, told, "its name is not UTF-8")
                continue
            document_id = ids.document_id(name, source)
            if document_id not in present:
                present[document_id] = file
                try:
                    _compare(result, file, name, source, known, again=again, seen=seen)
                except OSError as failed:
                    refuse(file, source, _said(failed))
            elif not _same_file(present[document_id], file):
                refuse(file, source, "another file of the same collection has this name")
        for folder, error in unreadable:
            refuse(path / folder, _shown(folder) or str(path), _said(error))
            hidden.add((name, folder))
    gone = [
        (document_id, one)
        for document_id, one in known.documents.items()
        if one.collection in whole
        and document_id not in present
        and not any(
            one.collection == name and one.source.startswith(folder) for name, folder in hidden
        )
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
        for file in seen.keys() - {*present.values(), *unread}:
            del seen[file]  # should it come back, it is new again
    return result


def stamp_of(file: Path) -> Stamp:
    """Raises OSError."""
    found = file.stat()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def files_of(
    path: Path, unreadable: Callable[[str, OSError], None] | None = None
) -> Iterator[tuple[Path, str]]:
    """The files below a folder that are of a kind we read, by name; or the one file.

    Hidden ones are passed over, and what editors leave beside a file that is open (`~$name`).
    Links to files are followed, links to folders are not. A link that leads nowhere is among the
    files. `unreadable` is told of each folder that can't be listed, with its place below `path`
    ("" for itself, else with a slash at its end), and the others are gone through.
    """
    if not path.is_dir():
        yield path, path.name
        return

    def failed(error: OSError) -> None:
        if unreadable is None or isinstance(error, FileNotFoundError):
            return
        within = Path(error.filename).relative_to(path).as_posix()
        unreadable("" if within == "." else f"{within}/", error)

    found: list[Path] = []
    for folder, folders, names in os.walk(path, onerror=failed):
        folders[:] = [name for name in folders if not name.startswith((".", "~"))]
        files = (Path(folder, name) for name in names if not name.startswith((".", "~")))
        found += [file for file in files if media_type_of(file) and _may_be_read(file)]
    for file in sorted(found):
        yield file, file.relative_to(path).as_posix()


def _may_be_read(file: Path) -> bool:
    """False for a pipe or device, and for what vanished since it was listed."""
    try:
        return S_ISREG(file.stat().st_mode)
    except FileNotFoundError:
        return file.is_symlink()
    except OSError:
        return True  # why it can't be read is told with its name


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
    """Raises OSError if the file can't be read."""
    document_id = ids.document_id(collection, source)
    stamp = stamp_of(file)
    if seen is not None and seen.get(file) == stamp:
        result.unchanged.append(source)
        return
    try:
        with open_regular(file, source) as opened:
            digest = file_digest(opened, "sha256").hexdigest()
    except InvalidDocument as refused:
        digest = None
        result.refused.append(refused)
    if seen is not None:
        seen[file] = stamp
    if digest is None:
        return
    if not again and known.holds(document_id, digest):
        result.unchanged.append(source)
    else:
        result.submit.append(Change(file, stamp, document_id, collection, source, digest))


def _said(error: OSError) -> str:
    return error.strerror or type(error).__name__


def _is_text(name: str) -> bool:
    """Whether a name can be written down. Linux takes any bytes for a file's name; those that are
    not UTF-8 are surrogates in Python, which neither an id nor a record can hold."""
    return _shown(name) == name


def _shown(name: str) -> str:
    return name.encode(errors="replace").decode()


def _same_file(one: Path, other: Path) -> bool:
    return one.resolve() == other.resolve()


def _collection(path: Path) -> str:
    resolved = path.resolve()
    return resolved.name if path.is_dir() else resolved.parent.name
