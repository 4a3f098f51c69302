"""What is taken and what is refused, with its reason."""

from pathlib import Path, PurePath

import pytest

from recado.knowledge.errors import InvalidDocument
from recado.knowledge.extraction import extract, media_type_of
from recado.knowledge.model import Section


@pytest.mark.parametrize(
    ("content", "media_type", "reason"),
    [
        (b"", "text/markdown", "empty"),
        (b"\xef\xbb\xbf \n\t", "text/plain", "empty"),
        (b"Instalaci\xa2n", "text/plain", "not UTF-8: byte 0xa2 at position 9"),
        (b"PK\x03\x04\x00\x00", "text/markdown", "binary"),
        (b"# Solo\n\n## Titulares\n", "text/markdown", "nothing to read"),
        (b"<html><nav>menu</nav><script>x</script></html>", "text/html", "nothing to read"),
        (b"%PDF-1.7", "application/pdf", "unknown type 'application/pdf'"),
    ],
)
def test_a_file_that_can_t_be_taken_is_named_with_its_reason(
    content: bytes, media_type: str, reason: str
) -> None:
    with pytest.raises(InvalidDocument) as refused:
        extract(content, media_type, name="ayuda/pagina")
    assert refused.value.source == "ayuda/pagina"
    assert refused.value.reason.startswith(reason)


def test_a_file_above_the_limit_is_refused() -> None:
    assert extract(b"x" * 100, "text/plain", max_bytes=100).sections[0].text == "x" * 100
    with pytest.raises(InvalidDocument, match="too large: 100 bytes, 99 are allowed"):
        extract(b"x" * 100, "text/plain", max_bytes=99)


def test_a_path_of_unknown_type_is_refused_unread() -> None:
    with pytest.raises(InvalidDocument, match=r"^ayuda/guia\.exe: unknown type '\.exe'; under"):
        extract(Path("ayuda/guia.exe"))


def test_bytes_need_their_media_type() -> None:
    with pytest.raises(ValueError, match="media type"):
        extract(b"hola")


def test_a_byte_order_mark_and_windows_line_ends_are_no_text() -> None:
    found = extract(b"\xef\xbb\xbf# Uno\r\n\r\n- a\r\n- b\r\n", "text/markdown")
    assert (found.title, found.sections) == ("Uno", (Section((), "- a\n- b"),))


def test_plain_text_takes_a_short_first_line_of_its_own_as_title() -> None:
    found = extract("Horarios\n\nDe 9 a 13.\nSábados no.".encode(), "text/plain", name="h.txt")
    assert (found.title, found.sections) == ("Horarios", (Section((), "De 9 a 13.\nSábados no."),))


@pytest.mark.parametrize("text", ["Abrimos a las 9.\n\nHasta las 13.", "Uno\ndos", "Uno"])
def test_plain_text_without_such_a_line_is_titled_by_its_name(text: str) -> None:
    found = extract(text.encode(), "text/plain", name="ayuda/los_horarios.txt")
    assert (found.title, found.sections[0].text) == ("los horarios", text)


def test_types_go_by_the_name_s_ending_in_any_case() -> None:
    assert media_type_of(PurePath("a/B.MD")) == "text/markdown"
    assert media_type_of(PurePath("a.htm")) == "text/html"
    assert media_type_of(PurePath("a.Pdf")) == "application/pdf"
    assert media_type_of(PurePath("a.exe")) is None
    assert media_type_of(PurePath("LICENSE")) is None


@pytest.mark.parametrize(
    ("declared", "encoding", "text"),
    [
        ("iso-8859-1", "cp1252", "Señal – 20 €"),
        ("ISO-8859-15", "iso-8859-15", "Señal, 20 €"),
        ("windows-1250", "cp1250", "Dvořák Žižka"),
    ],
)
def test_an_old_page_is_read_as_the_encoding_it_declares(
    declared: str, encoding: str, text: str
) -> None:
    page = f'<meta http-equiv=Content-Type content="text/html; charset={declared}"><p>{text}</p>'
    assert extract(page.encode(encoding), "text/html").sections[0].text == text


def test_a_page_that_is_utf_8_and_declares_otherwise_is_read_as_utf_8() -> None:
    page = '<meta charset="iso-8859-1"><p>Señal según «zona»</p>'
    assert extract(page.encode(), "text/html").sections[0].text == "Señal según «zona»"
