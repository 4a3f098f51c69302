"""What is promised of neighbouring sections that are put together, for examples and for any."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from recado.knowledge.model import SECTION_SEPARATOR, Section
from recado.knowledge.packing import packed


def pack(*sections: Section, size: int = 900) -> list[Section]:
    return list(packed(sections, size))


def test_headings_that_are_not_the_whole_s_stand_in_the_text() -> None:
    assert pack(
        Section(("Luces", "Roja"), "Sin señal."),
        Section(("Luces", "Verde"), "Todo bien."),
        Section(("Botones", "Atrás", "Reset"), "Con un alfiler."),
    ) == [
        Section(
            (),
            "### Luces › Roja\n\nSin señal.\n\n"
            "### Luces › Verde\n\nTodo bien.\n\n"
            "### Botones › Atrás › Reset\n\nCon un alfiler.",
        )
    ]


def test_what_all_paths_have_in_common_is_said_once_as_the_path() -> None:
    assert pack(
        Section(("Luces",), "Tiene dos."),
        Section(("Luces", "Roja"), "Sin señal."),
        Section(("Luces", "Verde"), "Todo bien."),
    ) == [Section(("Luces",), "Tiene dos.\n\n### Roja\n\nSin señal.\n\n### Verde\n\nTodo bien.")]


def test_an_introduction_without_heading_begins_the_whole() -> None:
    assert pack(Section((), "Hola."), Section(("Uno",), "Paso.")) == [
        Section((), "Hola.\n\n### Uno\n\nPaso.")
    ]


def test_a_section_alone_is_left_as_it_is() -> None:
    alone = Section(("Luces", "Roja"), "Sin señal.", page=3)
    assert pack(alone) == [alone]
    assert pack() == []


def test_a_heading_that_comes_again_is_seen_again() -> None:
    assert pack(Section(("Nota",), "Una."), Section(("Nota",), "Otra.")) == [
        Section(("Nota",), "Una.\n\n### Nota\n\nOtra.")
    ]


def test_text_without_heading_is_not_put_below_another_section_s() -> None:
    sections = (Section(("Nota",), "Una."), Section((), "Suelta."), Section((), "Otra."))
    assert pack(*sections) == [sections[0], Section((), "Suelta.\n\nOtra.")]


def test_sections_of_different_pages_stay_apart() -> None:
    made = pack(
        Section((), "a"), Section((), "b", page=1), Section((), "c"), Section((), "d", page=2)
    )
    assert made == [Section((), "a\n\nb\n\nc", page=1), Section((), "d", page=2)]


def test_the_heading_lines_count_towards_the_size() -> None:
    sections = (Section(("A",), "x" * 10), Section(("B",), "y" * 10))
    whole = len("### A\n\n\n\n### B\n\n") + 20
    assert len(pack(*sections, size=whole)) == 1
    assert pack(*sections, size=whole - 1) == list(sections)


@st.composite
def sections_of_a_document(draw: st.DrawFn) -> list[Section]:
    """Any sections; each text begins with its number, so that it is known again."""
    path = st.lists(st.sampled_from("ABC"), max_size=3).map(tuple)
    drawn = st.tuples(path, st.integers(0, 60), st.none() | st.integers(1, 2))
    return [
        Section(path, f"{number} " + "x" * length, page)
        for number, (path, length, page) in enumerate(draw(st.lists(drawn, max_size=12)))
    ]


def read(section: Section) -> Iterator[tuple[str, str]]:
    """A whole's texts as a reader sees them, each with the heading that stands above it."""
    above = ""
    for block in section.text.split("\n\n"):
        if block.startswith("### "):
            above = block.removeprefix("### ")
        else:
            yield above, block


SIZE = st.integers(0, 300)


@given(sections_of_a_document(), SIZE)
def test_no_text_is_lost_cut_or_moved(sections: list[Section], size: int) -> None:
    texts = [text for whole in pack(*sections, size=size) for _, text in read(whole)]
    assert texts == [section.text for section in sections]


@given(sections_of_a_document(), SIZE)
def test_every_section_s_path_and_page_can_be_told(sections: list[Section], size: int) -> None:
    read_from = [(whole, *seen) for whole in pack(*sections, size=size) for seen in read(whole)]
    for section, (whole, above, _) in zip(sections, read_from, strict=True):
        below = tuple(above.split(SECTION_SEPARATOR)) if above else ()
        repeated = whole.path == section.path and below == section.path[-1:]
        assert repeated or (*whole.path, *below) == section.path
        assert section.page in {None, whole.page}


@given(sections_of_a_document(), SIZE)
def test_the_path_is_all_that_the_sections_have_in_common(
    sections: list[Section], size: int
) -> None:
    for whole, group in zip(*grouped(sections, size), strict=True):
        assert all(section.path[: len(whole.path)] == whole.path for section in group)
        longer = {section.path[: len(whole.path) + 1] for section in group}
        assert len(longer) > 1 or longer == {whole.path}


@given(sections_of_a_document(), SIZE)
def test_only_one_that_is_alone_is_longer_than_the_size(sections: list[Section], size: int) -> None:
    for whole, group in zip(*grouped(sections, size), strict=True):
        assert len(whole.text) <= size or group == [whole]


@given(sections_of_a_document(), SIZE)
def test_none_stays_out_that_would_have_fitted(sections: list[Section], size: int) -> None:
    _, groups = grouped(sections, size)
    for group, following in pairwise(groups):
        assert len(pack(*group, size=size)) == 1
        assert len(pack(*group, following[0], size=size)) == 2


def grouped(sections: Sequence[Section], size: int) -> tuple[list[Section], list[list[Section]]]:
    """The wholes, and for each the sections that it was made from."""
    wholes = pack(*sections, size=size)
    left = iter(sections)
    return wholes, [[next(left) for _ in read(whole)] for whole in wholes]
