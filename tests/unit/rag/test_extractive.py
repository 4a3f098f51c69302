"""Without a model an answer is a quotation that helps: more than an introduction, nothing twice."""

from dataclasses import replace

from recado.knowledge import Passage
from recado.rag import citations, texts
from recado.rag.extractive import LEAST_ROOM, Thresholds, quoted
from recado.rag.plain import MAX_CHARACTERS
from unit.rag.fakes import passage, retrieved

THRESHOLDS = Thresholds(no_answer=0.2, weak=0.3)
INTRODUCTION = "Si tu internet va lento, sigue estos pasos en orden."
STEPS = "1. Desenchufa el router.\n2. Prueba por cable."


def page(position: int, text: str, section: str = "") -> Passage:
    """A passage of one page, the first position scoring best."""
    return replace(passage(1, text=text), position=position, section=section)


def test_what_else_was_found_on_the_page_follows_under_its_heading() -> None:
    cited = quoted(
        retrieved(page(0, INTRODUCTION), page(1, STEPS, "Qué hacer")), THRESHOLDS, texts.load()
    )
    assert f"{INTRODUCTION} [1]\n\n**Qué hacer**\n\n{STEPS} [2]" in cited.text
    assert [one.number for one in cited.citations] == [1, 2]


def test_other_pages_are_not_quoted() -> None:
    cited = quoted(
        retrieved(passage(1, text=INTRODUCTION), passage(2, text=STEPS)), THRESHOLDS, texts.load()
    )
    assert STEPS not in cited.text
    assert len(cited.citations) == 1


def test_quotations_stay_within_their_bound() -> None:
    long = "Una frase entera que dice algo. " * 27
    cited = quoted(retrieved(page(0, long.strip()), page(1, STEPS)), THRESHOLDS, texts.load())
    assert len(long) > MAX_CHARACTERS - LEAST_ROOM
    assert len(cited.citations) == 1
    assert STEPS not in cited.text


def test_a_follow_up_does_not_hear_again_what_was_just_quoted() -> None:
    found = retrieved(page(0, INTRODUCTION), page(1, STEPS))
    first = quoted(found, THRESHOLDS, texts.load())
    told_first = quoted(retrieved(page(0, INTRODUCTION)), THRESHOLDS, texts.load())
    second = quoted(found, THRESHOLDS, texts.load(), said=told_first.text)
    assert INTRODUCTION in first.text
    assert INTRODUCTION not in second.text
    assert STEPS in second.text


def test_where_all_was_said_already_it_is_said_again() -> None:
    found = retrieved(page(0, INTRODUCTION))
    said = quoted(found, THRESHOLDS, texts.load()).text
    assert quoted(found, THRESHOLDS, texts.load(), said=said).text == said


def test_a_page_that_is_cited_twice_is_listed_once() -> None:
    cited = quoted(
        retrieved(page(0, INTRODUCTION), page(1, STEPS)), THRESHOLDS, texts.load()
    ).citations
    assert citations.listed(cited) == "[1][2] Página 1"
