"""Files and folders as documents of the knowledge base.

A folder is a collection by its name, its files are the collection's documents. What the documents
topic says already decides what must be submitted: the topic is compacted, its last record of a
document is the document's state.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from uuid import UUID

from recado.knowledge.errors import InvalidDocument
from recado.knowledge.extraction import ExtractedDocument, extract, media_type_of
from recado.schemas import ids
from recado.schemas.documents import DocumentSection
from recado.schemas.events import DocumentSubmitted, DocumentWithdrawn


@dataclass(frozen=True, slots=True)
class Known:
    """What the topic says of a document that is not withdrawn."""

    collection: str
    source: str
    title: str
    content_sha256: str


@dataclass
class Plan:
    """What must be sent so that the knowledge base follows the files."""

    submit: list[DocumentSubmitted] = field(default_factory=list)
    withdraw: list[DocumentWithdrawn] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    refused: list[InvalidDocument] = field(default_factory=list)


def plan(
    paths: Sequence[Path],
    known: Mapping[UUID, Known],
    *,
    collection: str | None = None,
    again: bool = False,
) -> Plan:
    """Compare the files with what is known. `again` submits what is unchanged, too.

    A file that a folder's collection had and none of its folders has any more is withdrawn; a file
    named by itself withdraws nothing. A file that can't be read, or has the name of another of its
    collection, is refused by name and does not stop the others; what is known of it stays.
    """
    result = Plan()
    now = datetime.now(UTC)
    present: dict[UUID, Path] = {}
    whole: set[str] = set()
    for path in paths:
        name = collection or _collection(path)
        if path.is_dir():
            whole.add(name)
        for file, source in _files(path):
            document_id = ids.document_id(name, source)
            if document_id not in present:
                present[document_id] = file
                _compare(result, file, name, source, now, None if again else known.get(document_id))
            elif not _same_file(present[document_id], file):
                reason = "another file of the same collection has this name"
                result.refused.append(InvalidDocument(source, reason))
    gone = [
        (document_id, one)
        for document_id, one in known.items()
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
    return result


def _compare(
    result: Plan, file: Path, collection: str, source: str, now: datetime, before: Known | None
) -> None:
    try:
        submitted = _submission(file, collection, source, now)
    except InvalidDocument as refused:
        result.refused.append(refused)
        return
    except OSError as unreadable:
        reason = unreadable.strerror or type(unreadable).__name__
        result.refused.append(InvalidDocument(source, reason))
        return
    if before and before.content_sha256 == submitted.content_sha256:
        result.unchanged.append(source)
    else:
        result.submit.append(submitted)


def _same_file(one: Path, other: Path) -> bool:
    return one.resolve() == other.resolve()


def _collection(path: Path) -> str:
    resolved = path.resolve()
    return resolved.name if path.is_dir() else resolved.parent.name


def _files(path: Path) -> Iterator[tuple[Path, str]]:
    """The files below a folder that are of a kind we read, by name; or the one file."""
    if not path.is_dir():
        yield path, path.name
        return
    for file in sorted(path.rglob("*")):
        hidden = any(part.startswith(".") for part in file.relative_to(path).parts)
        if file.is_file() and not hidden and media_type_of(file) is not None:
            yield file, file.relative_to(path).as_posix()


def _submission(file: Path, collection: str, source: str, now: datetime) -> DocumentSubmitted:
    content = file.read_bytes()
    media_type = media_type_of(file)
    extracted: ExtractedDocument = (
        extract(file, name=source)
        if media_type is None
        else extract(content, media_type, name=source)
    )
    digest = sha256(content).hexdigest()
    document_id = ids.document_id(collection, source)
    return DocumentSubmitted(
        id=ids.submission_id(document_id, digest),
        occurred_at=now,
        document_id=document_id,
        collection=collection,
        source=source,
        title=extracted.title,
        language=extracted.language,
        media_type=media_type or "application/octet-stream",
        content_sha256=digest,
        sections=tuple(
            DocumentSection(path=section.path, text=section.text, page=section.page)
            for section in extracted.sections
        ),
    )
