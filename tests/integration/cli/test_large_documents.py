"""Documents in several parts, in Kafka as it is."""

from functools import partial
from pathlib import Path

import pytest

from recado.cli import uploading
from recado.cli.index import submit
from recado.cli.known import known_documents
from recado.cli.records import reader
from recado.cli.settings import CliSettings
from recado.devstack.stack.kafka import RealKafka
from recado.knowledge.extraction.limits import LEAST_PART_BYTES
from recado.knowledge.extraction.parts import open_document
from recado.schemas import ids
from recado.schemas.topics import DOCUMENTS
from recado.servicekit.topics import apply


async def test_parts_and_their_tombstones_lie_in_the_partition_of_their_document(
    kafka: RealKafka, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For each of several documents; and what is read back is what was written."""
    settings = CliSettings(kafka_bootstrap_servers=kafka.bootstrap)
    await apply(settings, [DOCUMENTS])
    small = partial(open_document, part_bytes=LEAST_PART_BYTES)
    monkeypatch.setattr(uploading, "open_document", small)
    folder = tmp_path / f"partes-{tmp_path.name}"
    folder.mkdir()
    for version in ("tarifa", "cuota"):
        for name in ("a.txt", "b.txt", "c.txt", "d.txt"):
            (folder / name).write_text(f"La {version} de {name} es de diez euros.\n\n" * 1000)
        assert len((await submit(settings, [folder], wait=None, quiet=True)).submit) == 4

    places: dict[str, set[int]] = {}
    values: dict[bytes, bytes | None] = {}
    async with reader(settings, DOCUMENTS.name) as consumer:
        ends = await consumer.end_offsets(consumer.assignment())
        while any([await consumer.position(one) < end for one, end in ends.items()]):
            for records in (await consumer.getmany(timeout_ms=250)).values():
                for record in records:
                    document = record.key.decode().partition("/")[0]
                    places.setdefault(document, set()).add(record.partition)
                    values[record.key] = record.value
    known = await known_documents(settings)
    for name in ("a.txt", "b.txt", "c.txt", "d.txt"):
        document = ids.document_id(folder.name, name)
        assert len(places[str(document)]) == 1
        parts = {
            key: value for key, value in values.items() if key.startswith(f"{document}/".encode())
        }
        kept = [value for value in parts.values() if value is not None]
        assert len(kept) == known.documents[document].parts >= 2
        assert len(parts) == 2 * len(kept)
        assert all(b"cuota" in value for value in kept)
        assert set(known.parts[document]) == {
            (known.documents[document].submission, part) for part in range(len(kept))
        }
    assert (await submit(settings, [folder], wait=None, quiet=True)).unchanged == [
        *("a.txt", "b.txt", "c.txt", "d.txt")
    ]
