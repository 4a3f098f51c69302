"""Where a sentence ends."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recado.knowledge.sentences import sentences


def split(text: str) -> list[str]:
    return [sentence for _, sentence in sentences(text)]


def test_ends_are_marks_followed_by_what_can_begin_a_sentence() -> None:
    assert split(
        "Reinicia el router. ¿Sigue igual? ¡Llámanos! 2 técnicos te atienden… Gracias."
    ) == [
        "Reinicia el router.",
        "¿Sigue igual?",
        "¡Llámanos!",
        "2 técnicos te atienden…",
        "Gracias.",
    ]


def test_closing_quotes_and_brackets_belong_to_the_sentence() -> None:
    assert split("Debe hacer «clic.» Luego espera (un minuto.) Prueba.") == [
        "Debe hacer «clic.»",
        "Luego espera (un minuto.)",
        "Prueba.",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "Pregunta por el Sr. Pérez en la Av. Corrientes.",
        "Escribe a Ud. Juan P. Gómez.",
        "Usa p. ej. Chrome.",
        "Llama desde EE. UU. Canadá no entra.",
        "El plan de 2.500 megas cuesta 34,90 dólares. con impuestos",
        "Entra en 192.168.1.1 y mira el apartado núm. 3.",
    ],
)
def test_abbreviations_initials_and_figures_end_nothing(text: str) -> None:
    assert split(text) == [text]


@given(st.text())
def test_nothing_is_lost(text: str) -> None:
    assert "".join(space + sentence for space, sentence in sentences(text)) == text.strip()


@given(st.lists(st.sampled_from([". ", "A", "! ", "\n", "…", " ", "»", "¿", "Sr", "x"])))
def test_nothing_is_lost_where_marks_are_dense(parts: list[str]) -> None:
    text = "".join(parts)
    assert "".join(space + sentence for space, sentence in sentences(text)) == text.strip()
