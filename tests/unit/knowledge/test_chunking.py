"""How one section is cut: between sentences, items and rows, in chunks of bounded size."""

import ast
import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recado.knowledge.chunking import LONGEST_SENTENCE, ChunkingOptions
from recado.knowledge.sentences import sentences

from .chunked import LIST, OPTIONS, PARAGRAPH, chunks, squashed


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


IN_A_PROCESS = """
import sys
from recado.knowledge.chunking import ChunkingOptions, chunk_text
options = ChunkingOptions(target=60, maximum=90)
sys.stdout.write(repr(list(chunk_text(sys.stdin.read(), options))))
"""


def test_the_same_text_gives_the_same_chunks_in_every_process() -> None:
    """A chunk's id is its position: another process, whose sets have another order, must agree."""
    text = "¿Qué planes hay?\n\n| Plan | Precio |\n| --- | --- |\n| 100 megas | 9 dólares |\n\n"
    text += "- Uno. Dos y tres.\n- Cuatro: ¿cinco?\n\n" + "Espera. Mira la luz. Llama. " * 20
    other = subprocess.run(
        [sys.executable, "-c", IN_A_PROCESS],
        input=text, env={**os.environ, "PYTHONHASHSEED": "4711", "PYTHONUTF8": "1"},
        capture_output=True, encoding="utf-8", timeout=60, check=True,
    )  # fmt: skip
    assert ast.literal_eval(other.stdout) == chunks(text)
