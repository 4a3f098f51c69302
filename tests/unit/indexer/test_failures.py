"""Only a document's own fault makes a dead letter of it."""

import pytest

from recado.indexer.failures import told_to_the_lane
from recado.knowledge.errors import (
    EmbedderMisconfigured,
    InvalidDocument,
    KnowledgeMisconfigured,
    KnowledgeUnavailable,
)
from recado_lanes import Permanent, Unavailable


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        (InvalidDocument("guia.pdf", "no text"), Permanent),
        (KnowledgeUnavailable("the store is down"), Unavailable),
        (KnowledgeMisconfigured("Recado", {"embedder": ("a", "b")}), Unavailable),
        (EmbedderMisconfigured("gemini-embedding-001/768", "400 API_KEY_INVALID"), Unavailable),
    ],
)
def test_a_wrong_configuration_is_waited_for_like_an_outage(
    raised: Exception, told: type[Exception]
) -> None:
    with pytest.raises(told) as failed, told_to_the_lane():
        raise raised
    assert str(raised) in str(failed.value)


def test_a_bug_is_left_as_it_is() -> None:
    with pytest.raises(ZeroDivisionError), told_to_the_lane():
        raise ZeroDivisionError
