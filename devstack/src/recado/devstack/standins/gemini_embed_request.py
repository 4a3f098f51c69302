"""The bodies of `embedContent` and `batchEmbedContents`, read as strictly as the real API does.

Source: ai.google.dev/api/embeddings (EmbedContentRequest, BatchEmbedContentsRequest, TaskType; at
most 100 requests in a batch, each naming the model of the path).
"""

from typing import Annotated, Literal

from pydantic import Field

from recado.devstack.standins.gemini_embedding import FULL_SIZE
from recado.devstack.standins.gemini_request import (
    Content,
    InvalidRequest,
    Message,
    check_parts,
    read_message,
)

MOST_REQUESTS = 100


class EmbedContentRequest(Message):
    """One text to embed: the parts of a content make one vector, however many there are."""

    model: str | None = None
    content: Content | None = None
    task_type: (
        Literal[
            "TASK_TYPE_UNSPECIFIED",
            "RETRIEVAL_QUERY",
            "RETRIEVAL_DOCUMENT",
            "SEMANTIC_SIMILARITY",
            "CLASSIFICATION",
            "CLUSTERING",
            "QUESTION_ANSWERING",
            "FACT_VERIFICATION",
            "CODE_RETRIEVAL_QUERY",
        ]
        | None
    ) = None
    title: str | None = None
    output_dimensionality: Annotated[int, Field(ge=1, le=FULL_SIZE)] | None = None

    @property
    def text(self) -> str:
        """All that is to be embedded."""
        return "" if self.content is None else self.content.text


class BatchEmbedContentsRequest(Message):
    """Several of them."""

    requests: tuple[EmbedContentRequest, ...] = ()


def read_one(raw: bytes, model: str) -> tuple[EmbedContentRequest, ...]:
    """Read and check the body of `embedContent`. Raises InvalidRequest."""
    request = read_message(EmbedContentRequest, raw)
    _check(request, "EmbedContentRequest", model, named=False)
    return (request,)


def read_batch(raw: bytes, model: str) -> tuple[EmbedContentRequest, ...]:
    """Read and check the body of `batchEmbedContents`. Raises InvalidRequest."""
    requests = read_message(BatchEmbedContentsRequest, raw).requests
    where = "BatchEmbedContentsRequest.requests"
    if not requests:
        raise InvalidRequest(f"* {where}: requests is not specified")
    if len(requests) > MOST_REQUESTS:
        raise InvalidRequest(f"* {where}: at most {MOST_REQUESTS} requests can be in one batch")
    for index, request in enumerate(requests):
        _check(request, f"{where}[{index}]", model, named=True)
    return requests


def _check(request: EmbedContentRequest, where: str, model: str, *, named: bool) -> None:
    if (named or request.model is not None) and request.model != f"models/{model}":
        raise InvalidRequest(f"* {where}.model: the model must be that of the path")
    if request.content is None:
        raise InvalidRequest(f"* {where}.content: content is not specified")
    check_parts(request.content, f"{where}.content")
    if request.title is not None and request.task_type != "RETRIEVAL_DOCUMENT":
        raise InvalidRequest(f"* {where}.title: only with task type RETRIEVAL_DOCUMENT")
