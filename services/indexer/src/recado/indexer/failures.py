"""What the knowledge base raises, as what it means for the lane.

A document that can't be taken becomes a dead letter. A store or a model that is down, and one that
is configured wrongly (a key that is refused, say), are no fault of the document: the lane waits,
with the reason in the log, and nothing is lost while an operator mends it.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from recado.knowledge.errors import InvalidDocument, KnowledgeMisconfigured, KnowledgeUnavailable
from recado_lanes import Permanent, Unavailable


@contextmanager
def told_to_the_lane() -> Iterator[None]:
    """Around the handling of one event. Raises Permanent or Unavailable."""
    try:
        yield
    except InvalidDocument as error:
        raise Permanent(str(error)) from error
    except (KnowledgeUnavailable, KnowledgeMisconfigured) as error:
        raise Unavailable(str(error)) from error
