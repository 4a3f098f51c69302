"""What of a text goes to a Gemini embedding model, and how many texts go in one call."""

from hypothesis import given
from hypothesis import strategies as st

from recado.knowledge.embedders.gemini_texts import (
    MAX_BYTES,
    MAX_TEXTS,
    MAX_VALUES,
    Task,
    batches,
    prepared,
)

MODELS = ["gemini-embedding-001", "gemini-embedding-2", "a-model-of-tomorrow"]
any_text = st.text(st.characters(codec=None), max_size=300)


@given(any_text, st.sampled_from(Task), st.sampled_from(MODELS))
def test_what_is_sent_is_never_blank_and_always_utf_8(text: str, task: Task, model: str) -> None:
    sent = prepared(text, task, model)
    assert sent.strip()
    assert sent.encode().decode() == sent


@given(st.text("añ🙂", min_size=1, max_size=9), st.integers(1, 9_000), st.sampled_from(MODELS))
def test_a_text_is_cut_where_the_model_stops_reading(unit: str, times: int, model: str) -> None:
    text = unit * times
    sent = prepared(text, Task.PASSAGE, model).removeprefix("title: none | text: ")
    assert text.startswith(sent)
    most = (8192 if model == "gemini-embedding-2" else 2048) * 3
    assert len(sent.encode()) == min(most, len(text.encode())) or most - len(sent.encode()) < 4


def test_a_usual_text_is_sent_as_it_is() -> None:
    text = "¿Por qué va lento? Reinicia el router."
    assert prepared(text, Task.QUERY, "gemini-embedding-001") == text


def test_the_later_model_reads_the_task_in_the_text() -> None:
    asked = prepared("¿Por qué?", Task.QUERY, "gemini-embedding-2")
    told = prepared("Por la red.", Task.PASSAGE, "gemini-embedding-2")
    assert asked == "task: search result | query: ¿Por qué?"
    assert told == "title: none | text: Por la red."


@given(st.lists(st.integers(1, 6_000), max_size=400), st.sampled_from([128, 768, 1536, 3072]))
def test_batches_hold_every_text_once_in_order_within_the_bounds(
    sizes: list[int], dimensions: int
) -> None:
    texts = ["x" * size for size in sizes]
    made = list(batches(texts, dimensions))
    assert [text for batch in made for text in batch] == texts
    for batch in made:
        assert 1 <= len(batch) <= MAX_TEXTS
        assert len(batch) * dimensions <= MAX_VALUES
        assert len(batch) == 1 or sum(len(text) for text in batch) <= MAX_BYTES


def test_no_more_calls_are_made_than_the_bounds_ask_for() -> None:
    assert [len(batch) for batch in batches(["corto"] * 230, 768)] == [100, 100, 30]
    assert [len(batch) for batch in batches(["corto"] * 60, 3072)] == [25, 25, 10]


def test_a_text_larger_than_a_call_goes_alone() -> None:
    long = "x" * (MAX_BYTES + 1)
    assert list(batches(["a", long, "b"], 768)) == [["a"], [long], ["b"]]
