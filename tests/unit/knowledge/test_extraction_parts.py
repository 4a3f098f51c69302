"""Files read part by part: bounded, in order, and cut where nothing belongs together."""

import subprocess
import sys
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recado.knowledge.extraction import PART_BYTES, extract, open_document
from recado.knowledge.extraction.limits import LEAST_PART_BYTES
from recado.knowledge.extraction.parts import in_parts
from recado.knowledge.extraction.splitting import pieces
from recado.knowledge.model import Section

MEBIBYTE = 1024 * 1024


def squashed(text: str) -> str:
    return "".join(text.split())


def size(part: tuple[Section, ...]) -> int:
    return sum(len("".join((*each.path, each.text)).encode()) for each in part)


SENTENCE = st.sampled_from(["La señal tarda.", "¿Se paga?", "Sí, 20 €.", "Pulsa aquí 🙂.", "No."])
PARAGRAPH = st.lists(SENTENCE, min_size=1, max_size=6).map(" ".join)
ITEMS = st.lists(SENTENCE, min_size=1, max_size=6).map("\n- ".join).map("- {}".format)
TEXT = st.lists(PARAGRAPH | ITEMS, min_size=1, max_size=12).map("\n\n".join)


@given(TEXT, st.integers(40, 200), st.integers(1, 50))
def test_the_pieces_of_any_text_are_the_text_and_no_sentence_or_item_is_cut(
    text: str, part_bytes: int, read: int
) -> None:
    """However the text comes in."""
    blocks = [text[at : at + read] for at in range(0, len(text), read)]
    found = list(pieces(blocks, part_bytes))
    assert squashed("".join(found)) == squashed(text)
    for piece in found:
        assert 0 < len(piece.encode()) <= part_bytes
        assert piece.rstrip().endswith((".", "?"))
        assert piece.startswith(("La", "¿S", "Sí", "Pu", "No", "- "))


@given(st.text(max_size=400), st.integers(4, 60))
def test_no_text_whatever_loses_a_character(text: str, part_bytes: int) -> None:
    found = list(pieces([text], part_bytes))
    assert squashed("".join(found)) == squashed(text)
    assert all(len(piece.encode()) <= part_bytes for piece in found)


@given(st.integers(1, 60), st.integers(60, 300))
def test_a_table_is_cut_between_rows_and_its_header_repeated(rows: int, part_bytes: int) -> None:
    header = "| Plan | € |\n| --- | --- |"
    lines = [f"| plan {n} | {n} |" for n in range(rows)]
    found = list(pieces(["\n".join([header, *lines])], part_bytes))
    assert all(piece.startswith(header + "\n| plan") for piece in found)
    assert [line for piece in found for line in piece.split("\n")[2:]] == lines


SECTIONS = st.lists(
    st.builds(
        Section,
        st.lists(st.sampled_from(["Luces", "Señal"]), max_size=2).map(tuple),
        st.lists(PARAGRAPH, min_size=1, max_size=8).map("\n\n".join),
        st.none() | st.integers(1, 3),
    ),
    min_size=1,
    max_size=8,
)


@given(SECTIONS, st.integers(100, 800))
def test_the_parts_of_any_document_are_its_sections_in_order(
    sections: list[Section], part_bytes: int
) -> None:
    parts = list(in_parts(sections, part_bytes))
    assert parts
    assert all(part and size(part) <= part_bytes for part in parts)
    found = list(chain.from_iterable(parts))
    assert squashed("".join(each.text for each in found)) == squashed(
        "".join(each.text for each in sections)
    )
    assert {(each.path, each.page) for each in found} == {
        (each.path, each.page) for each in sections
    }


def test_a_small_file_is_one_part(tmp_path: Path) -> None:
    path = tmp_path / "horarios.txt"
    path.write_text("Horarios\n\nDe 9 a 13.\n\nSábados no.")
    opened = open_document(path)
    assert (opened.title, opened.language, opened.media_type) == ("Horarios", "es", "text/plain")
    assert list(opened.parts) == [(Section((), "De 9 a 13.\n\nSábados no."),)]


@pytest.mark.parametrize("between", ["\n\n", " "])
def test_a_text_of_some_parts_is_read_as_a_whole_in_parts(tmp_path: Path, between: str) -> None:
    """Its title is found all the same, also where the text is a single line."""
    path = tmp_path / "a.txt"
    text = between.join(["La señal tarda unos dos minutos."] * 4000)
    path.write_text(f"Señales\n\n{text}")
    opened = open_document(path, part_bytes=LEAST_PART_BYTES)
    parts = list(opened.parts)
    assert opened.title == "Señales"
    assert len(parts) > 5
    assert all(size(part) <= LEAST_PART_BYTES for part in parts)
    said = between.join(each.text for part in parts for each in part)
    assert squashed(said) == squashed(text)
    assert extract(path).title == "Señales"


def test_a_markdown_section_larger_than_a_part_goes_on_under_its_path(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text("# A\n\n## Largo\n\n" + "La señal tarda. " * 3000)
    parts = list(open_document(path, part_bytes=LEAST_PART_BYTES).parts)
    assert len(parts) > 2
    assert {each.path for part in parts for each in part} == {("Largo",)}


def test_parts_too_small_for_a_sentence_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="part_bytes must be at least 16,384, not 100"):
        open_document(tmp_path / "a.txt", part_bytes=100)


READING = """
import sys
from pathlib import Path
from recado.knowledge.extraction import open_document
opened = open_document(Path(sys.argv[1]))
largest = total = 0
for part in opened.parts:
    size = sum(len(section.text.encode()) for section in part)
    largest, total = max(largest, size), total + size
peak = next(line for line in Path("/proc/self/status").open() if line.startswith("VmHWM"))
print(largest, total, int(peak.split()[1]) * 1024)
"""


@pytest.mark.parametrize(
    "unit",
    ["La señal tarda unos dos minutos. ", "La señal tarda.\n\nNo.\n\n"],
    ids=["line", "text"],
)
def test_the_memory_for_100_mb_of_text_is_bounded(tmp_path: Path, unit: str) -> None:
    """Also where it is one single line. Peak of the reading process, its interpreter included."""
    path = tmp_path / "a.txt"
    block = unit * (MEBIBYTE // len(unit.encode()))
    with path.open("w", encoding="utf-8") as file:
        for _ in range(100):
            file.write(block)
    done = subprocess.run(
        [sys.executable, "-c", READING, str(path)],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    largest, total, peak = map(int, done.stdout.split())
    print(f"\n{path.stat().st_size:,} bytes read with a peak of {peak / MEBIBYTE:.0f} MiB")
    assert largest <= PART_BYTES
    assert total > 80 * MEBIBYTE
    assert peak < 80 * MEBIBYTE
