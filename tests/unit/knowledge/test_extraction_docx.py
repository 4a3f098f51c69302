"""Word documents to sections. The files are made by python-docx."""

from pathlib import Path

import pytest

from recado.knowledge.errors import InvalidDocument
from recado.knowledge.extraction import extract
from recado.knowledge.extraction.limits import MAX_INFLATED_BYTES
from recado.knowledge.model import Section
from support import documents as make


def test_headings_lists_and_tables_are_kept_and_tracked_deletions_are_not(tmp_path: Path) -> None:
    found = extract(make.docx(tmp_path / "a.docx", language="es-AR"))
    assert (found.title, found.language) == ("Manual del decodificador", "es-AR")
    assert found.sections == (
        Section((), "Cómo conectar tu equipo."),
        Section(
            ("Conexión",),
            "1. Conecta el cable HDMI.\n2. Enciende el televisor.\n\n- Control remoto\n- Pilas",
        ),
        Section(
            ("Conexión", "Señales"),
            "| Luz | Qué significa |\n| --- | --- |\n| Verde | Todo bien |\n| Roja | Sin señal |"
            "\n\nEl plazo es de quince días.",
        ),
    )


def test_the_title_is_the_properties_if_they_have_one(tmp_path: Path) -> None:
    found = extract(make.docx(tmp_path / "a.docx", title="Guía & manual"))
    assert (found.title, found.language) == ("Guía & manual", "es")
    assert found.sections[0].path == ("Manual del decodificador",)


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = make.docx_with(tmp_path / "a.docx", "word/extra.xml", b" " * MAX_INFLATED_BYTES)
    assert path.stat().st_size < 200_000
    with pytest.raises(InvalidDocument, match=r"too large: [\d,]+ bytes of XML unpacked, 67,108,"):
        extract(path)


def test_xml_that_declares_entities_is_refused(tmp_path: Path) -> None:
    xml = b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'
    path = make.docx_with(tmp_path / "a.docx", make.DOCUMENT_XML, xml)
    with pytest.raises(InvalidDocument, match="not a readable DOCX: it declares a document type"):
        extract(path)


def test_xml_that_is_broken_is_refused(tmp_path: Path) -> None:
    path = make.docx_with(tmp_path / "a.docx", make.DOCUMENT_XML, b"<w:document")
    with pytest.raises(InvalidDocument, match="not a readable DOCX"):
        extract(path)


def test_a_word_file_without_words_is_refused(tmp_path: Path) -> None:
    xml = (
        b'<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">'
        b"<w:body><w:p/></w:body></w:document>"
    )
    path = make.docx_with(tmp_path / "a.docx", make.DOCUMENT_XML, xml)
    with pytest.raises(InvalidDocument, match="nothing to read"):
        extract(path)


def test_a_pdf_named_docx_is_read_as_the_pdf_it_is(tmp_path: Path) -> None:
    path = make.pdf(tmp_path / "a.pdf", [make.paragraph("Texto.")]).rename(tmp_path / "a.docx")
    assert extract(path).sections == (Section((), "Texto.", 1),)


@pytest.mark.parametrize("properties", ["<dc:title/>", "<dc:title></dc:title>", "<broken"])
def test_empty_and_broken_properties_give_no_title(tmp_path: Path, properties: str) -> None:
    """An empty title, as several programs write it, must not take in what stands behind it."""
    core = (
        '<cp:coreProperties xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:cp="cp">'
        f"{properties}<dc:creator>Una autora</dc:creator></cp:coreProperties>"
    )
    file = make.docx_with(tmp_path / "a.docx", "docProps/core.xml", core.encode())
    found = extract(file)
    assert (found.title, found.language) == ("Manual del decodificador", "es")
