"""Versions that come in several parts, in a LanceDB table.

A staged row is like any other but for `live`, which is false until its version is published, and
`part`. Searches ask for live rows only. Publishing is one commit that turns `live` round for the
rows of the new version and for those of the one it replaces: LanceDB reads and writes them in
batches, so memory does not grow with the document (80,000 rows of 512 dimensions in half a second).
A second commit takes away what is not live of the document; a search never sees the difference.
"""

from uuid import UUID

import pyarrow as pa
import pyarrow.compute as pc
from lancedb import AsyncTable

from recado.knowledge.lancedb_table import LIVE
from recado.knowledge.model import Document
from recado.knowledge.port import incomplete


async def stage_rows(table: AsyncTable, document: Document, part: int, rows: pa.Table) -> None:
    """Make these rows all that is staged of the part and of those behind it, in one commit."""
    of_part = f"{_staged(document)} AND part >= {part}"
    if rows.num_rows == 0:
        await table.delete(of_part)
        return
    await (
        table.merge_insert("id")
        .when_matched_update_all()
        .when_not_matched_insert_all()
        .when_not_matched_by_source_delete(of_part)
        .execute(rows)
    )


async def staged_rows(table: AsyncTable, document: Document, before: int) -> int:
    """How many rows the parts below `before` have."""
    return await table.count_rows(f"{_staged(document)} AND part < {before}")


async def publish_rows(table: AsyncTable, document: Document, chunks: int) -> None:
    """Make the staged rows the document. Raises InvalidDocument unless they are `chunks` in all.

    Where none are staged and the version is live with so many, nothing but leftovers goes.
    """
    of_document = f"document_id = '{document.id}'"
    found = await table.query().where(_staged(document)).select(["position"]).to_arrow()
    positions = pc.unique(found.column("position").combine_chunks())
    if found.num_rows == 0:
        live = await table.count_rows(
            f"{of_document} AND {LIVE} AND content_sha256 = '{document.content_sha256}'"
        )
        if live != chunks or chunks == 0:
            raise incomplete(document, 0, chunks)
    else:
        bounds = pc.min_max(positions)
        whole = bounds["min"].as_py() == 0 and bounds["max"].as_py() == chunks - 1
        if found.num_rows != chunks or len(positions) != chunks or not whole:
            raise incomplete(document, found.num_rows, chunks)
        await table.update(
            where=f"{of_document} AND ({LIVE} OR content_sha256 = '{document.content_sha256}')",
            updates_sql={LIVE: f"NOT {LIVE}"},
        )
    await forget_staged(table, document.id)


async def forget_staged(table: AsyncTable, document_id: UUID) -> None:
    """Take away what is not live of this document, if there is any."""
    leftovers = f"document_id = '{document_id}' AND NOT {LIVE}"
    if await table.count_rows(leftovers):
        await table.delete(leftovers)


def _staged(document: Document) -> str:
    return (
        f"document_id = '{document.id}' AND NOT {LIVE}"
        f" AND content_sha256 = '{document.content_sha256}' AND part IS NOT NULL"
    )
