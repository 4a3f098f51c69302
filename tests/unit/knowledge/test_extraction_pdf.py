"""PDF to sections with pages. The files are made by reportlab, each read by the real reader."""

import zlib
from itertools import chain
from pathlib import Path

import pytest
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import SimpleDocTemplate

from recado.knowledge.errors import InvalidDocument
from recado.knowledge.extraction import guarded, open_document
from recado.knowledge.extraction.pdf_lines import cleaned, mended
from recado.knowledge.model import Section
from support import documents as make

SENTENCE = "La señal tarda unos dos minutos en estabilizarse según la zona. "


def edges(canvas: Canvas, document: SimpleDocTemplate) -> None:
    canvas.drawString(72, 812, "Fibralia · Guía del cliente")
    canvas.drawString(280, 30, f"Página {document.page} de 4")


def read(path: Path) -> list[Section]:
    return list(chain.from_iterable(open_document(path).parts))


def test_headings_lists_tables_pages_title_and_language_are_kept(tmp_path: Path) -> None:
    """And the headers, footers and page numbers that repeat are not."""
    story = [
        make.heading("Guía de instalación"),
        make.paragraph("Bienvenido a Fibralia."),
        make.heading("Antes de empezar", 2),
        make.bullets("Un cable de red. " + SENTENCE * 3, "Una pila nueva"),
        make.new_page(),
        make.heading("Tarifas", 2),
        make.ruled([["Plan", "Precio"], ["600 Mb", "34 €"], ["1000 Mb", "45 €"]]),
        make.paragraph("Precios con IVA."),
        make.new_page(),
        make.paragraph("Y sin permanencia."),
        make.new_page(),
        make.heading("¿Cómo pago?", 2),
        make.paragraph("En línea o en caja."),
    ]
    path = make.pdf(tmp_path / "guia.pdf", story, language="es-PE", edges=edges)
    opened = open_document(path)
    assert (opened.title, opened.language) == ("Guía de instalación", "es-PE")
    assert list(chain.from_iterable(opened.parts)) == [
        Section((), "Bienvenido a Fibralia.", 1),
        Section(
            ("Antes de empezar",),
            f"- Un cable de red. {(SENTENCE * 3).strip()}\n- Una pila nueva",
            1,
        ),
        Section(
            ("Tarifas",),
            "| Plan | Precio |\n| --- | --- |\n| 600 Mb | 34 € |\n| 1000 Mb | 45 € |"
            "\n\nPrecios con IVA.\n\nY sin permanencia.",
            2,
        ),
        Section(("¿Cómo pago?",), "En línea o en caja.", 4),
    ]


def test_columns_are_read_one_after_the_other_and_divided_words_mended(tmp_path: Path) -> None:
    left = [
        "La instalación la hace un técnico",
        "que te llama antes de llegar. Ne-",
        "cesita ver la caja de la fibra.",
    ]
    right = ["El módem queda a tu nombre. Si lo", "devuelves en buen estado no pagas", "nada."]

    def draw(canvas: Canvas) -> None:
        for row, both in enumerate(zip(left, right, strict=True)):
            canvas.drawString(72, 700 - 14 * row, both[0])
            canvas.drawString(310, 700 - 14 * row, both[1])

    assert read(make.drawn_pdf(tmp_path / "a.pdf", [draw])) == [
        Section(
            (),
            "La instalación la hace un técnico que te llama antes de llegar. Necesita ver la caja"
            " de la fibra.\n\nEl módem queda a tu nombre. Si lo devuelves en buen estado no pagas"
            " nada.",
            1,
        )
    ]


def test_bookmarks_name_headings_that_the_type_does_not_tell(tmp_path: Path) -> None:
    def draw(canvas: Canvas) -> None:
        canvas.bookmarkPage("pagos")
        canvas.addOutlineEntry("Formas de pago", "pagos", level=0)
        canvas.drawString(72, 700, "Formas de pago")
        canvas.drawString(72, 660, "En línea o en caja.")

    found = read(make.drawn_pdf(tmp_path / "a.pdf", [draw]))
    assert found == [Section(("Formas de pago",), "En línea o en caja.", 1)]


def test_without_headings_each_page_is_a_section_and_a_sentence_over_its_end_stays_whole(
    tmp_path: Path,
) -> None:
    texts = ["Primera. El técnico llega", "entre las nueve y la una.", "Tercera."]
    pages = [lambda canvas, text=text: canvas.drawString(72, 500, text) for text in texts]
    assert read(make.drawn_pdf(tmp_path / "a.pdf", pages)) == [
        Section((), "Primera. El técnico llega entre las nueve y la una.", 1),
        Section((), "Tercera.", 3),
    ]


def test_a_long_section_ends_with_its_page(tmp_path: Path) -> None:
    """So that its end is not cited by a page far off."""
    story = [make.heading("Condiciones"), *[make.paragraph(SENTENCE * 6) for _ in range(30)]]
    found = read(make.pdf(tmp_path / "a.pdf", story))
    assert [section.page for section in found] == list(range(1, len(found) + 1))
    assert len(found) > 2


def test_pages_without_text_are_named_as_scanned(tmp_path: Path) -> None:
    pages = [lambda canvas: canvas.rect(72, 72, 300, 300)] * 3
    path = make.drawn_pdf(tmp_path / "a.pdf", pages)
    with pytest.raises(InvalidDocument) as refused:
        open_document(path, name="ayuda/a.pdf")
    assert refused.value.source == "ayuda/a.pdf"
    assert refused.value.reason == "scanned: no text in 3 pages; run OCR first"


def test_an_encrypted_file_is_read_if_it_opens_without_a_password(tmp_path: Path) -> None:
    story = [make.paragraph("Texto reservado.")]
    locked = make.pdf(tmp_path / "a.pdf", story, password="clave")
    with pytest.raises(InvalidDocument, match="encrypted: needs a password"):
        open_document(locked)
    restricted = make.pdf(tmp_path / "b.pdf", story, owner="dueño")
    assert read(restricted) == [Section((), "Texto reservado.", 1)]


@pytest.mark.parametrize("keep", [0.02, 0.5])
def test_a_file_that_is_cut_short_is_not_a_readable_pdf(tmp_path: Path, keep: float) -> None:
    path = make.pdf(tmp_path / "a.pdf", [make.paragraph(SENTENCE)])
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * keep)])
    with pytest.raises(InvalidDocument, match="not a readable PDF"):
        open_document(path)


def bomb(path: Path, content: bytes) -> Path:
    """A one-page PDF whose page is these bytes, deflated twice."""
    packed = zlib.compress(zlib.compress(content, 9), 9)
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R>>",
        b"<</Filter[/FlateDecode/FlateDecode]/Length %d>>stream\n%s\nendstream"
        % (len(packed), packed),
    ]
    written = b"%PDF-1.4\n"
    offsets = []
    for number, each in enumerate(objects, start=1):
        offsets.append(len(written))
        written += b"%d 0 obj%s\nendobj\n" % (number, each)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    path.write_bytes(
        written
        + b"xref\n0 5\n0000000000 65535 f \n"
        + table
        + b"trailer<</Size 5/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % len(written)
    )
    return path


def test_a_page_that_unfolds_beyond_the_memory_bound_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The child meets its bound; this process goes on and can say why."""
    monkeypatch.setenv("PYTHONPATH", str(bounded(tmp_path, "READER_MEMORY_BYTES = 360 << 20")))
    with pytest.raises(InvalidDocument, match="could not be read within bounds: it needs more"):
        open_document(bomb(tmp_path / "a.pdf", b" " * (180 << 20)))


def test_a_page_that_takes_too_long_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    time = "PAGE_TIME = __import__('datetime').timedelta(seconds=1)"
    monkeypatch.setenv("PYTHONPATH", str(bounded(tmp_path, time)))
    with pytest.raises(InvalidDocument, match="could not be read within bounds: a page took"):
        open_document(bomb(tmp_path / "a.pdf", b"q Q " * 2_000_000))


def bounded(tmp_path: Path, bound: str) -> Path:
    """A folder that, on PYTHONPATH, gives the child smaller bounds before it starts."""
    folder = tmp_path / "bounds"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(
        f"import recado.knowledge.extraction.limits as limits\nlimits.{bound}\n"
    )
    return folder


def test_more_pages_than_the_limit_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(bounded(tmp_path, "MAX_PAGES = 3")))
    three = [lambda canvas: canvas.drawString(72, 500, "Texto")] * 3
    assert len(read(make.drawn_pdf(tmp_path / "a.pdf", three))) == 3
    with pytest.raises(InvalidDocument, match="too large: more than 3 pages"):
        open_document(make.drawn_pdf(tmp_path / "b.pdf", three + three[:1]))


def test_the_reader_gets_no_environment_of_this_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECADO_GEMINI_API_KEY", "secreto")
    spy = tmp_path / "bounds"
    spy.mkdir()
    seen = tmp_path / "seen"
    (spy / "sitecustomize.py").write_text(
        f"import os, pathlib\npathlib.Path({str(seen)!r}).write_text(' '.join(os.environ))\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(spy))
    read(make.pdf(tmp_path / "a.pdf", [make.paragraph("Texto.")]))
    assert "PYTHONPATH" in seen.read_text()
    assert "RECADO" not in seen.read_text()


def test_a_reader_that_is_left_early_ends(tmp_path: Path) -> None:
    path = make.pdf(tmp_path / "a.pdf", [make.paragraph(SENTENCE * 400)])
    opened = open_document(path, part_bytes=16 * 1024)
    next(opened.parts)
    opened.close()
    assert list(opened.parts) == []


def test_ligatures_accents_and_soft_hyphens_are_mended() -> None:
    assert cleaned("ﬁbra\u0000 o\u0301ptica (cid:31)") == "fibra óptica"
    assert mended(["insta-", "lación y post-", "Venta, co\u00ad", "bro"]) == (
        "instalación y post- Venta, cobro"
    )


def test_a_library_that_is_missing_is_the_installation_s_fault_not_the_file_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make.pdf(tmp_path / "a.pdf", [make.paragraph("Texto.")])
    monkeypatch.setattr(guarded, "NEEDED", ("no_such_module",))
    with pytest.raises(ModuleNotFoundError, match=r"recado-knowledge\[extraction\]"):
        open_document(path)
