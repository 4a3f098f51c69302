"""How Spanish words reach Weaviate's word index."""

import pytest
from hypothesis import given
from hypothesis.strategies import text

from recado.knowledge.weaviate_stems import stemmed, stop_words


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("navegación", "navegaciones"),
        ("Navegación", "navegacion"),
        ("instalar", "instalación"),
        ("facturas", "FACTURA"),
        ("cámara", "ca\N{COMBINING ACUTE ACCENT}maras"),
        ("lento", "lentas"),
    ],
)
def test_forms_of_one_word_have_one_stem(one: str, other: str) -> None:
    assert stemmed(one) == stemmed(other)


def test_punctuation_is_left_out_and_the_order_stays() -> None:
    assert stemmed("¿Tiene luz_roja (WiFi-5)?") == "tien luz roj wifi 5"


@pytest.mark.parametrize("words", ["¿Qué es la de los?", "COMO ESTÁ", "está esta", "cuáles son"])
def test_silent_words_are_not_searched_for_with_and_without_their_accents(words: str) -> None:
    folded = words.translate(str.maketrans("áéíóúÁÉ", "aeiouAE"))
    assert {*stemmed(words).split(), *stemmed(folded).split()} <= set(stop_words())


def test_no_stop_word_has_an_accent() -> None:
    """The server folds accents, and what it compares with must be folded too."""
    assert all(word.isascii() for word in stop_words())


@pytest.mark.parametrize("word", ["no", "sin", "factura", "router", "puedo"])
def test_words_that_tell_questions_apart_are_searched_for(word: str) -> None:
    assert stemmed(word) not in stop_words()


@given(text())
def test_any_text_becomes_words_that_the_index_cuts_in_the_same_way(text: str) -> None:
    words = stemmed(text).split()
    assert all(character.isalnum() for word in words for character in word)
