"""Odd files: each is named with its reason, or read as what it is."""

import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from recado.knowledge.errors import InvalidDocument
from recado.knowledge.extraction import extract, limits, open_document
from recado.knowledge.extraction.kinds import DOCX, HTML, PDF
from recado.knowledge.model import Section

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def zipped(path: Path, **members: str) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in members.items():
            archive.writestr(name.replace("__", "/").replace("_", "."), text)
    return path


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("vacio.txt", b"", "empty"),
        ("vacio.pdf", b"", "empty"),
        ("vacio.docx", b"", "empty"),
        ("vacio.csv", b"", "empty"),
        ("blanco.txt", b"  \n\t\r\n ", "empty"),
        ("blanco.csv", b"\xef\xbb\xbf\r\n\r\n", "empty"),
        ("nulos.txt", b"hola\0mundo", "binary: it holds NUL characters"),
        ("nulos.csv", b"a,b\nuno,\0\n", "binary: it holds NUL characters"),
        ("nombres.csv", b"pregunta,respuesta\nuno,\n", "nothing to read"),
        ("foto.pdf", PNG, "is named .pdf but holds a PNG image"),
        ("foto.txt", PNG, "is named .txt but holds a PNG image"),
        ("foto.DOCX", b"\xff\xd8\xff\xe0", "is named .DOCX but holds a JPEG image"),
        ("guia.pdf", b"Hola, soy un texto.", "not a readable PDF: it is named .pdf but is none"),
        ("guia.docx", b"Hola, soy un texto.", "not a readable DOCX: it is named .docx but is none"),
        ("carta.docx", OLE + "WordDocument".encode("utf-16-le"), "is named .docx but holds an old"),
        ("libro.csv", OLE + "Workbook".encode("utf-16-le"), "is named .csv but holds an old Excel"),
        ("clave.docx", OLE + "EncryptedPackage".encode("utf-16-le"), "encrypted: needs a password"),
        ("roto.docx", b"PK\x03\x04" + bytes(40), "not a readable DOCX: its zip archive is broken"),
        ("roto.txt", b"PK\x03\x04" + bytes(40), "is named .txt but holds a broken zip archive"),
        ("carta.md", b"{\\rtf1 hola}", "is named .md but holds an RTF document"),
        ("mac.txt", "Instalación en el salón".encode("mac-roman"), "not UTF-8: byte 0x97"),
        ("ruso.txt", "Как настроить роутер".encode("cp1251"), "not UTF-8: byte 0xca at position 0"),
        ("cortado.txt", "Instalación según ".encode() + b"\xc3", "not UTF-8: byte 0xc3"),
    ],
)
def test_a_file_that_can_t_be_taken_is_named_with_its_reason(
    tmp_path: Path, name: str, content: bytes, reason: str
) -> None:
    with pytest.raises(InvalidDocument) as refused:
        open_document(written(tmp_path / name, content), name=f"ayuda/{name}")
    assert refused.value.source == f"ayuda/{name}"
    assert refused.value.reason.startswith(reason)


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ({"xl__workbook_xml": "<x/>"}, "an Excel workbook"),
        ({"ppt__presentation_xml": "<x/>"}, "a PowerPoint presentation"),
        ({"fotos__uno_png": "x"}, "a zip archive"),
    ],
)
def test_an_archive_with_a_wrong_name_is_told_by_what_is_in_it(
    tmp_path: Path, members: dict[str, str], told: str
) -> None:
    for name in ("a.docx", "a.txt", "a.pdf"):
        with pytest.raises(InvalidDocument, match=f"is named .{name[2:]} but holds {told}"):
            open_document(zipped(tmp_path / name, **members))


def test_a_page_with_another_name_is_read_as_the_page_it_is(tmp_path: Path) -> None:
    page = b"<!DOCTYPE html><title>Pagos</title><p>En caja.</p>"
    for name in ("pagos.pdf", "pagos.txt", "pagos.docx", "pagos.md"):
        opened = open_document(written(tmp_path / name, page))
        assert (opened.media_type, opened.title) == (HTML, "Pagos")
        assert list(opened.parts) == [(Section((), "En caja."),)]


def test_a_text_that_speaks_of_signatures_is_a_text(tmp_path: Path) -> None:
    text = b"Un PDF empieza con %PDF-1.7 y una web con <html>."
    assert extract(written(tmp_path / "a.txt", text)).sections == (Section((), text.decode()),)


def test_a_directory_a_pipe_and_a_lost_file_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "dir.txt").mkdir()
    with pytest.raises(InvalidDocument, match="a directory, not a file"):
        open_document(tmp_path / "dir.txt")
    os.mkfifo(tmp_path / "pipe.txt")
    with pytest.raises(InvalidDocument, match="not a regular file"):
        open_document(tmp_path / "pipe.txt")
    with pytest.raises(FileNotFoundError):
        open_document(tmp_path / "lost.txt")


def test_a_loop_of_links_is_an_error_of_the_system(tmp_path: Path) -> None:
    (tmp_path / "a.txt").symlink_to(tmp_path / "b.txt")
    (tmp_path / "b.txt").symlink_to(tmp_path / "a.txt")
    with pytest.raises(OSError, match="symbolic links"):
        open_document(tmp_path / "a.txt")


def test_a_file_that_may_not_be_read_is_an_error_of_the_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path / "a.txt", b"hola")
    path.chmod(0)
    if os.access(path, os.R_OK):  # root may read anything: let the system's refusal be played
        monkeypatch.setattr(Path, "open", _forbidden)
    with pytest.raises(PermissionError):
        open_document(path)


def _forbidden(path: Path, *_: object) -> None:
    raise PermissionError(13, "Permission denied", str(path))


def test_an_unknown_ending_is_refused_unread(tmp_path: Path) -> None:
    with pytest.raises(InvalidDocument, match=r"unknown type '\.exe'; understood are \.csv, "):
        open_document(tmp_path / "lost.exe")


@pytest.mark.parametrize("name", ["a.md", "a.html", "a.txt", "a.csv"])
def test_what_is_beyond_its_kind_s_limit_is_refused_with_the_limit(
    tmp_path: Path, name: str
) -> None:
    path = tmp_path / name
    with path.open("wb") as file:  # sparse: no byte of it is written
        file.truncate(1024**3 + 1)
    with pytest.raises(InvalidDocument, match=r"too large: 1,073,741,825 bytes, [\d,]+ are allow"):
        open_document(path)


def test_each_kind_has_the_limit_that_the_documentation_gives() -> None:
    mebibytes = {kind.rpartition("/")[2]: size >> 20 for kind, size in limits.MAX_BYTES.items()}
    word = DOCX.rpartition("/")[2]
    assert mebibytes == {
        "plain": 1024,
        "csv": 1024,
        "markdown": 20,
        "html": 20,
        word: 20,
        "pdf": 100,
    }
    assert (limits.MAX_PAGES, PDF in limits.MAX_BYTES) == (2000, True)


ENCODINGS: list[tuple[str, Callable[[str], bytes]]] = [
    ("utf-8", lambda text: text.encode()),
    ("utf-8 with a mark", lambda text: text.encode("utf-8-sig")),
    ("utf-16", lambda text: text.encode("utf-16")),
    ("utf-16, big end first", lambda text: b"\xfe\xff" + text.encode("utf-16-be")),
    ("utf-32", lambda text: text.encode("utf-32")),
    ("windows", lambda text: text.encode("cp1252")),
]


@pytest.mark.parametrize(("_", "encode"), ENCODINGS)
@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.html", "a.csv"])
def test_text_is_read_in_every_encoding_that_is_sure(
    tmp_path: Path, name: str, _: str, encode: Callable[[str], bytes]
) -> None:
    path = written(tmp_path / name, encode("¿Cuánto tarda la señal? 15 días – según «zona» 20 €"))
    if name == "a.csv":  # a header alone is no row
        path.write_bytes(encode("zona\nseñal – «según» 20 €"))
    assert "según" in extract(path).sections[0].text


def test_a_bad_byte_at_the_end_of_a_large_file_refuses_it_at_its_beginning(tmp_path: Path) -> None:
    path = written(tmp_path / "a.txt", "Señal. ".encode() * 300_000 + b"\xff")
    with pytest.raises(InvalidDocument, match="not UTF-8: byte 0xff at position 2,400,000"):
        open_document(path)
