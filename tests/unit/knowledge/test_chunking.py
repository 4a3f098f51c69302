"""What the chunker promises, for examples and for any text."""

from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recado.knowledge.chunking import (
    LONGEST_SENTENCE,
    ChunkingOptions,
    chunk_document,
    chunk_text,
)
from recado.knowledge.model import Document, Section
from recado.knowledge.sentences import sentences
from recado.schemas import ids

DOCUMENT = UUID("8a0f1c9e-2f5b-4a3e-9c1d-0d5b6a7e8f90")
SMALL = ChunkingOptions(target=60, maximum=90)
DEAR = settings(max_examples=settings().max_examples // 2)
"""Half as many examples as elsewhere: whole documents take long to draw."""


def squashed(text: str) -> str:
    return "".join(text.split())


def chunks(text: str, options: ChunkingOptions = SMALL) -> list[str]:
    return list(chunk_text(text, options))


def document(*sections: Section) -> Document:
    return Document(
        id=DOCUMENT,
        source="ayuda/router.md",
        title="El router",
        language="es",
        content_sha256="0" * 64,
        sections=sections,
    )


def test_a_chunk_knows_its_place_and_its_document() -> None:
    made = chunk_document(
        document(
            Section((), "Enciéndelo."),
            Section(("Luces", "Luz roja"), "Reinícialo.", page=3),
        ),
        ChunkingOptions(pack=0),
    )
    assert [(chunk.position, chunk.section, chunk.page) for chunk in made] == [
        (0, "", None),
        (1, "Luces › Luz roja", 3),
    ]
    last = made[1]
    assert (last.title, last.source, last.content_sha256) == (
        "El router",
        "ayuda/router.md",
        "0" * 64,
    )
    assert last.id == ids.chunk_id(DOCUMENT, 1)
    assert last.searchable == "El router\nLuces › Luz roja\nReinícialo."


def test_neighbouring_sections_that_fit_share_a_chunk() -> None:
    (made,) = chunk_document(
        document(
            Section((), "Sigue estos pasos en orden."),
            Section(("Paso 1",), "Apágalo."),
            Section(("Paso 2",), "Enciéndelo."),
        )
    )
    assert (made.position, made.section) == (0, "")
    assert made.text == (
        "Sigue estos pasos en orden.\n\n### Paso 1\n\nApágalo.\n\n### Paso 2\n\nEnciéndelo."
    )
    assert made.searchable == (
        "El router\nSigue estos pasos en orden.\n\nPaso 1.\n\nApágalo.\n\nPaso 2.\n\nEnciéndelo."
    )


def test_a_section_that_is_cut_shares_no_chunk() -> None:
    long = "El router tiene cuatro luces. " * 4
    made = chunk_document(
        document(Section(("A",), "Uno."), Section(("B",), long), Section(("C",), "Dos.")), SMALL
    )
    assert [(chunk.section, chunk.text) for chunk in made] == [
        ("A", "Uno."),
        ("B", "El router tiene cuatro luces. El router tiene cuatro luces."),
        ("B", "El router tiene cuatro luces. El router tiene cuatro luces."),
        ("C", "Dos."),
    ]


def test_a_section_that_fits_is_not_cut_to_fill_the_chunk_before_it() -> None:
    whole = "Espera un minuto. Mira la luz. ¿Está apagada? Llama."
    made = chunk_document(document(Section(("A",), "Uno."), Section(("B",), whole)), SMALL)
    assert [chunk.text for chunk in made] == ["Uno.", whole]


def test_sections_share_no_chunk_beyond_the_target_whatever_pack_is() -> None:
    sections = [Section((), "Espera un minuto. Mira la luz."), Section((), "Llama a tu técnico.")]
    options = ChunkingOptions(target=40, maximum=90, pack=1000)
    assert len(chunk_document(document(*sections), options)) == 2


def test_an_empty_section_gives_nothing_and_parts_nothing() -> None:
    made = chunk_document(
        document(Section(("A",), "Uno."), Section(("B",), " \n"), Section(("C",), "Dos."))
    )
    assert [chunk.text for chunk in made] == ["### A\n\nUno.\n\n### C\n\nDos."]
    assert chunk_document(document(Section(("B",), " \n"))) == []


def test_a_section_that_fits_is_one_chunk() -> None:
    text = "Primero esto.\n\n- Uno\n- Dos\n\nY nada más."
    assert chunks(text) == [text]


def test_a_long_paragraph_is_cut_between_sentences() -> None:
    text = (
        "El router tiene cuatro luces. " * 2 + "La tercera es la de internet. ¿Está apagada? Llama."
    )
    assert chunks(text) == [
        "El router tiene cuatro luces. El router tiene cuatro luces.",
        "La tercera es la de internet. ¿Está apagada? Llama.",
    ]


def test_list_items_stay_whole_with_what_is_nested_in_them() -> None:
    items = [f"- Paso {n}: aprieta el botón\n  y espera. Mira la luz." for n in range(4)]
    made = chunks("\n".join(items))
    assert len(made) > 1
    for item in items:
        assert sum(item in chunk for chunk in made) == 1


def test_the_line_that_announces_a_list_stays_with_its_beginning() -> None:
    text = "El equipo tarda dos minutos en arrancar.\n\nHaz esto:\n\n"
    text += "1. Desconecta el cable gris.\n2. Espera."
    made = chunks(text)
    assert len(made) > 1
    assert "Haz esto:\n\n1. Desconecta" in made[1]


def test_each_chunk_with_rows_of_a_table_has_its_header() -> None:
    header = "| Plan | Precio |\n| --- | --- |"
    rows = [f"| {n}00 megas | {n} dólares |" for n in range(1, 9)]
    made = chunks("\n".join([header, *rows]))
    assert len(made) > 1
    assert all(chunk.startswith(header + "\n") for chunk in made)
    assert [row for chunk in made for row in chunk.split("\n")[2:]] == rows


def test_a_header_too_wide_to_repeat_is_given_once() -> None:
    header = "| " + "Plan muy largo " * 6 + "|\n| --- |"
    text = header + "\n| a |\n| b |"
    assert squashed("".join(chunks(text))) == squashed(text)


def test_a_sentence_longer_than_the_maximum_stays_whole() -> None:
    long = "Esta frase " + "es larga, " * 30 + "y acaba aquí."
    assert chunks(f"Corta. {long} Otra.") == ["Corta.", long, "Otra."]


def test_data_without_sentences_is_cut_between_words() -> None:
    text = "dato " * 2000
    made = chunks(text)
    assert max(map(len, made)) <= LONGEST_SENTENCE
    assert " ".join(made).split() == text.split()


def test_sizes_that_make_no_sense_are_refused() -> None:
    for target, maximum in ((0, 10), (20, 10), (10, LONGEST_SENTENCE + 1)):
        with pytest.raises(ValueError, match="chunk sizes"):
            ChunkingOptions(target=target, maximum=maximum)
    with pytest.raises(ValueError, match="pack -1"):
        ChunkingOptions(pack=-1)


SENTENCE = st.builds(
    lambda words, end: " ".join(words).capitalize() + end,
    st.lists(
        st.sampled_from(["luz", "módem", "el", "señal", "3", "cable"]), min_size=1, max_size=12
    ),
    st.sampled_from([".", "!", "…", ":"]),  # questions are repeated: they have their own tests
)
PARAGRAPH = st.lists(SENTENCE, min_size=1, max_size=8).map(" ".join)
LIST = st.lists(PARAGRAPH, min_size=1, max_size=6).map(
    lambda items: "\n".join(f"{n}. {item}" for n, item in enumerate(items, start=1))
)
OPTIONS = st.tuples(st.integers(1, 200), st.integers(0, 200)).map(
    lambda sizes: ChunkingOptions(target=sizes[0], maximum=sizes[0] + sizes[1])
)


@given(st.lists(PARAGRAPH | LIST, max_size=6), OPTIONS)
def test_any_prose_is_kept_whole_and_its_chunks_are_bounded(
    blocks: list[str], options: ChunkingOptions
) -> None:
    text = "\n\n".join(blocks)
    made = chunks(text, options)
    assert squashed("".join(made)) == squashed(text)
    for chunk in made:
        assert len(chunk) <= options.maximum or len(list(sentences(chunk))) == 1


@given(st.lists(PARAGRAPH, max_size=6), OPTIONS)
def test_no_sentence_of_any_prose_is_cut(paragraphs: list[str], options: ChunkingOptions) -> None:
    made = chunks("\n\n".join(paragraphs), options)
    for paragraph in paragraphs:
        for _, part in sentences(paragraph):
            assert any(part in chunk for chunk in made)


@given(st.text(st.characters(exclude_characters="|?#", codec="utf-8")), OPTIONS)
def test_no_text_whatever_loses_a_character(text: str, options: ChunkingOptions) -> None:
    assert squashed("".join(chunks(text, options))) == squashed(text)


@given(
    st.lists(
        st.lists(st.text("abcñ 12", min_size=1), min_size=2, max_size=2), min_size=1, max_size=12
    ),
    OPTIONS,
)
def test_every_row_of_any_table_is_in_one_chunk(
    cells: list[list[str]], options: ChunkingOptions
) -> None:
    rows = [f"| {n} | {' | '.join(row)} |" for n, row in enumerate(cells)]
    made = chunks("\n".join(["| N | A | B |", "| --- | --- | --- |", *rows]), options)
    lines = [line for chunk in made for line in chunk.split("\n")]
    assert [line for line in lines if line not in {"| N | A | B |", "| --- | --- | --- |"}] == rows


@given(st.lists(PARAGRAPH | LIST, max_size=4), OPTIONS)
def test_the_same_text_gives_the_same_chunks(blocks: list[str], options: ChunkingOptions) -> None:
    text = "\n\n".join(blocks)
    assert chunks(text, options) == chunks(text, options)


SECTIONS = st.lists(
    st.builds(
        Section,
        st.lists(st.sampled_from(["Luces", "Cables", "Wifi"]), max_size=2).map(tuple),
        st.lists(PARAGRAPH | LIST, max_size=3).map("\n\n".join),
        st.none() | st.integers(1, 2),
    ),
    max_size=8,
)


@DEAR
@given(SECTIONS, OPTIONS, st.integers(0, 400))
def test_any_document_is_kept_whole_and_its_chunks_are_bounded(
    sections: list[Section], options: ChunkingOptions, pack: int
) -> None:
    made = chunk_document(document(*sections), replace(options, pack=pack))
    lines = [line for chunk in made for line in chunk.text.split("\n")]
    assert squashed("".join(line for line in lines if not line.startswith("### "))) == squashed(
        "".join(section.text for section in sections)
    )
    assert [chunk.position for chunk in made] == list(range(len(made)))
    for chunk in made:
        assert len(chunk.text) <= options.maximum or len(list(sentences(chunk.text))) == 1
        assert "###" not in chunk.searchable


@DEAR
@given(SECTIONS, OPTIONS, st.integers(0, 400))
def test_any_section_that_needs_no_cutting_is_in_one_chunk(
    sections: list[Section], options: ChunkingOptions, pack: int
) -> None:
    made = chunk_document(document(*sections), replace(options, pack=pack))
    for section in sections:
        whole = chunks(section.text, options)
        assert len(whole) != 1 or any(whole[0] in chunk.text for chunk in made)


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
