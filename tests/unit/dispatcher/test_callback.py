"""Callback data names a part and comes back as it went."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from recado.dispatcher import callback


@given(st.uuids(), st.integers(0, 9999), st.text(max_size=600))
def test_what_was_written_is_read(answer_id: UUID, part: int, conversation: str) -> None:
    """Answer and part always; the conversation where it fits WhatsApp's 512 characters."""
    data = callback.write(answer_id, part, conversation)
    assert len(data) <= 512
    read = callback.read(data)
    assert read is not None
    assert (read.answer_id, read.part) == (answer_id, part)
    assert read.conversation in (conversation, "")


@given(st.one_of(st.none(), st.text(), st.from_regex(r"recado1:[0-9a-f-]*:\d*:.*")))
def test_what_is_not_ours_is_none_or_read_without_fail(data: str | None) -> None:
    """Other software sends its own callback data through the same number."""
    read = callback.read(data)
    assert read is None or callback.write(*read) == data or len(data or "") > 512
