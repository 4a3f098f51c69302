"""How a document's sections become chunks: which share one, and what each chunk knows."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from recado.knowledge.chunking import ChunkingOptions, chunk_document
from recado.knowledge.model import Section
from recado.knowledge.sentences import sentences
from recado.schemas import ids

from .chunked import DEAR, DOCUMENT, LIST, OPTIONS, PARAGRAPH, SMALL, chunks, document, squashed


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
