"""Only what was retrieved can be cited."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recado.rag.citations import check, listed, without_citations
from unit.rag.fakes import TEXTS, passage, retrieved

SOURCES = retrieved(passage(1), passage(2), passage(3)).passages


def test_citations_are_listed_in_the_order_of_their_first_use_and_each_once() -> None:
    cited = check("Uno [3]. Dos [1]. Tres [3].", SOURCES)
    assert [citation.number for citation in cited.citations] == [3, 1]
    assert [citation.source for citation in cited.citations] == ["pagina-3.md", "pagina-1.md"]
    assert cited.text == "Uno [3]. Dos [1]. Tres [3]."


@pytest.mark.parametrize(
    ("written", "checked", "numbers"),
    [
        ("Reinicia [1, 3].", "Reinicia [1][3].", [1, 3]),
        ("Reinicia [1-3].", "Reinicia [1][2][3].", [1, 2, 3]),
        ("Reinicia [Fuente 2].", "Reinicia [2].", [2]),
        ("Reinicia [fuentes 1 y 2].", "Reinicia [1][2].", [1, 2]),
        ("Reinicia [^1].", "Reinicia [1].", [1]),
        ("Reinicia [1](https://example.com/inventado).", "Reinicia [1].", [1]),
        ("Pulsa [Aceptar] y listo [1].", "Pulsa [Aceptar] y listo [1].", [1]),
    ],
)
def test_the_forms_that_models_write_become_one(
    written: str, checked: str, numbers: list[int]
) -> None:
    cited = check(written, SOURCES)
    assert cited.text == checked
    assert [citation.number for citation in cited.citations] == numbers


def test_unknown_numbers_go_and_are_told() -> None:
    cited = check("Reinicia [4][1]. Llama [0] ya [99].", SOURCES)
    assert cited.text == "Reinicia [1]. Llama ya."
    assert cited.unknown == (4, 0, 99)


def test_a_list_of_sources_that_the_model_writes_is_taken_off() -> None:
    cited = check("Reinicia [1].\n\n**Fuentes:**\n[1] Página 1\n[2] Página 2", SOURCES)
    assert cited.text == "Reinicia [1]."
    assert [citation.number for citation in cited.citations] == [1]


def test_a_paragraph_about_power_supplies_is_no_list_of_sources() -> None:
    text = "Reinicia [1].\n\nFuentes de alimentación dañadas también causan cortes."
    assert check(text, SOURCES).text == text


def test_what_is_put_under_an_answer_is_taken_off_again_for_the_prompt() -> None:
    cited = check("Reinicia [1].", SOURCES)
    shown = f"{cited.text}\n\n{TEXTS.get('sources', sources=listed(cited.citations))}"
    assert without_citations(shown) == "Reinicia."


def test_a_source_with_pages_is_listed_with_each_page_that_is_cited() -> None:
    sources = [
        each.model_copy(update={"title": "Contrato", "page": page})
        for each, page in zip(SOURCES, (4, 2, 4), strict=True)
    ]
    cited = check("Uno [1]. Dos [2]. Tres [3].", sources)
    assert [citation.page for citation in cited.citations] == [4, 2, 4]
    assert listed(cited.citations) == "[1][3] Contrato, pág. 4\n[2] Contrato, pág. 2"


@given(st.text(alphabet="ab []()0123456789,-.\n^Fuentes:", max_size=80))
def test_whatever_a_model_writes_every_number_left_is_a_source(text: str) -> None:
    cited = check(text, SOURCES)
    again = check(cited.text, SOURCES)
    assert again.unknown == ()
    assert {citation.number for citation in again.citations} <= {1, 2, 3}
