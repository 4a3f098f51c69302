"""Which questions lean on the one before, and what is searched for then."""

import pytest

from recado.rag.followups import is_follow_up, joined
from recado.schemas.answers import Turn
from support.examples import NOW


def turns(*said: str) -> list[Turn]:
    """The customer's turns."""
    return [Turn(role="user", text=text, at=NOW) for text in said]


@pytest.mark.parametrize(
    "question",
    [
        "¿y por la noche?",
        "Y si no funciona?",
        "eso",
        "¿cuánto?",
        "¿Cuánto cuesta?",
        "pero por cable",
    ],
)
def test_short_and_connected_questions_are_follow_ups(question: str) -> None:
    assert is_follow_up(question)


@pytest.mark.parametrize(
    "question",
    [
        "¿Por qué mi internet está lento?",
        "factura electrónica",
        "¿Cuánto cuesta el plan de 600 megas?",
        "cambiar la clave del wifi",
        "👍",
        "El router tiene una luz roja que parpadea",
    ],
)
def test_questions_that_stand_alone_are_not(question: str) -> None:
    assert not is_follow_up(question)


def test_a_question_that_stands_alone_is_searched_for_as_it_is() -> None:
    assert joined("factura electrónica", turns("¿Por qué va lento?")) == "factura electrónica"


def test_follow_ups_are_joined_back_to_the_question_that_stands_alone() -> None:
    before = turns("¿Cómo pago la factura?", "¿Por qué mi internet está lento?", "¿y por la noche?")
    assert joined("¿y con cable?", before) == (
        "¿Por qué mi internet está lento? ¿y por la noche? ¿y con cable?"
    )


def test_commands_courtesies_and_the_assistant_s_turns_are_passed_over() -> None:
    said = [
        *turns("¿Por qué mi internet está lento?"),
        Turn(role="assistant", text="Reinicia el router.", at=NOW),
        *turns("gracias", "/ayuda"),
    ]
    assert joined("¿y por la noche?", said) == "¿Por qué mi internet está lento? ¿y por la noche?"


def test_without_anything_before_it_a_follow_up_stays_as_it_is() -> None:
    assert joined("¿y por la noche?", []) == "¿y por la noche?"
