"""A question stands above each piece of its answer, and above no other."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from recado.knowledge.chunking import ChunkingOptions, chunk_document
from recado.knowledge.model import Section

from .chunked import DEAR, LIST, OPTIONS, PARAGRAPH, SMALL, chunks, document, squashed


def test_a_question_is_repeated_above_each_piece_of_its_answer() -> None:
    made = chunks(
        "¿Cuánto tarda la instalación?\nDos días si hay fibra. Diez días si hay que tenderla."
        " Te avisamos el día antes.\n\n¿Se paga?\n\nNo."
    )
    assert made == [
        "¿Cuánto tarda la instalación?\nDos días si hay fibra.",
        "¿Cuánto tarda la instalación?\nDiez días si hay que tenderla.",
        "¿Cuánto tarda la instalación?\nTe avisamos el día antes.\n\n¿Se paga?\n\nNo.",
    ]


def test_a_question_written_as_a_heading_block_is_repeated_too() -> None:
    made = chunks("### Cambiar la clave\n\n" + "Abre la app y entra en Ajustes. " * 4)
    assert len(made) > 1
    assert all(chunk.startswith("### Cambiar la clave\n\nAbre") for chunk in made)


def test_a_table_below_a_question_has_both_in_each_chunk() -> None:
    header = "| Plan | Precio |\n| --- | --- |"
    rows = "\n".join(f"| {n} | {n} € al mes |" for n in range(6))
    made = chunks(f"¿Cuánto cuesta?\n\n{header}\n{rows}")
    assert len(made) > 1
    assert all(chunk.startswith(f"¿Cuánto cuesta?\n\n{header}\n|") for chunk in made)


def test_a_question_within_a_paragraph_or_a_list_repeats_nothing() -> None:
    text = "Mira las luces. ¿Hay una roja?\n\n- ¿Es la primera? Reinicia el equipo del salón.\n- b"
    assert "".join(chunks(text)).count("¿Hay una roja?") == 1
    assert "".join(chunks(text)).count("¿Es la primera?") == 1


QUESTION = st.integers(1, 9999).map(lambda number: f"¿Qué es {number}?")
PAIRS = st.lists(st.tuples(QUESTION, PARAGRAPH | LIST), max_size=6, unique_by=lambda pair: pair[0])


@DEAR
@given(PAIRS, OPTIONS, st.integers(0, 400))
def test_no_answer_of_any_faq_stands_below_another_question(
    pairs: list[tuple[str, str]], options: ChunkingOptions, pack: int
) -> None:
    """Each sentence of an answer follows its own question in its chunk, the nearest one above."""
    numbered = [
        (question, answer.replace("Luz", f"Luz{number}").replace("luz", f"luz{number}"))
        for number, (question, answer) in enumerate(pairs)
    ]
    large = replace(options, target=options.target + 60, maximum=options.maximum + 60, pack=pack)
    rows = [Section(("Pagos",), f"{question}\n{answer}") for question, answer in numbered]
    page = [Section((), "\n\n".join(row.text for row in rows))]
    for sections in (rows, page):
        said: dict[str, str] = {question: "" for question, _ in numbered}
        for chunk in chunk_document(document(*sections), large):
            asked = ""
            for line in chunk.text.split("\n"):
                asked = line if line in said else asked
                if line not in said:
                    said[asked] += line
        for question, answer in numbered:
            assert squashed(said[question]) == squashed(answer)


def test_rows_of_an_faq_are_a_passage_each() -> None:
    rows = [Section(("Pagos",), f"¿Pregunta {n}?\nRespuesta {n}.") for n in range(3)]
    made = chunk_document(document(*rows, Section(("Pagos",), "Aparte."), Section((), "Fin.")))
    assert [chunk.text for chunk in made[:3]] == [row.text for row in rows]
    assert all(chunk.section == "Pagos" for chunk in made[:3])


def test_an_answer_below_a_heading_that_asks_has_it_in_every_chunk() -> None:
    """The heading is the section path, which is embedded with each piece."""
    made = chunk_document(document(Section(("¿Cómo pago?",), "En línea o en caja. " * 20)), SMALL)
    assert len(made) > 1
    assert all("¿Cómo pago?" in chunk.searchable for chunk in made)
