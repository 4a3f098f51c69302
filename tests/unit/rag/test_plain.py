"""A passage as it reads in a chat."""

from hypothesis import given
from hypothesis import strategies as st

from recado.rag.plain import for_chat, shortened


def test_a_table_becomes_lines_that_say_what_each_cell_is() -> None:
    table = (
        "| Plan | Bajada | Precio |\n| --- | --- | --- |\n| Hogar | 300 | 26 |\n| Max | 1000 |  |"
    )
    assert for_chat(f"Planes:\n\n{table}") == (
        "Planes:\n\n- Hogar: Bajada: 300; Precio: 26\n- Max: Bajada: 1000"
    )


def test_headings_and_links_lose_their_markup() -> None:
    assert (
        for_chat("## Antes\n\nMira [la guía](https://a.example/b).") == "**Antes**\n\nMira la guía."
    )


def test_a_long_passage_ends_with_a_whole_sentence() -> None:
    text = "Reinicia el router. " * 30
    cut = shortened(text, 100)
    assert cut == "Reinicia el router. " * 4 + "Reinicia el router."
    assert len(cut) <= 100


def test_a_long_list_ends_with_a_whole_item() -> None:
    text = "\n".join(f"- paso número {number} sin punto final" for number in range(50))
    cut = shortened(text, 200)
    assert cut.splitlines()[-1].endswith("sin punto final")


def test_what_only_introduces_a_list_is_not_left_at_the_end() -> None:
    text = "Primero esto. " * 8 + "\n\nHaz lo siguiente:\n" + "- un paso larguísimo " * 20
    assert shortened(text, 150).endswith("Primero esto.")


def test_one_endless_sentence_is_cut_at_a_word_and_says_so() -> None:
    cut = shortened("palabra " * 100, 50)
    assert cut.endswith("palabra…")
    assert len(cut) <= 50


@given(st.text(max_size=400), st.integers(min_value=20, max_value=200))
def test_nothing_is_longer_than_its_limit(text: str, limit: int) -> None:
    assert len(shortened(text, limit)) <= limit
