"""Makers of sample files: PDF by reportlab, DOCX by python-docx, as operators have them."""

import io
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

from docx import Document
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.lib.styles import ParagraphStyle, getSampleStyleSheet
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    Flowable,
    ListFlowable,
    PageBreak,
    Paragraph,
    SimpleDocTemplate,
    Table,
    TableStyle,
)

STYLES = getSampleStyleSheet()
BODY = ParagraphStyle("cuerpo", parent=STYLES["Normal"], spaceAfter=8)
DOCUMENT_XML = "word/document.xml"


def heading(text: str, level: int = 1) -> Flowable:
    return Paragraph(text, STYLES[f"Heading{level}"])


def paragraph(text: str) -> Flowable:
    return Paragraph(text, BODY)


def bullets(*items: str) -> Flowable:
    return ListFlowable([Paragraph(item, BODY) for item in items], bulletType="bullet", start="•")


def ruled(rows: Sequence[Sequence[str]]) -> Flowable:
    return Table(rows, style=TableStyle([("GRID", (0, 0), (-1, -1), 0.5, colors.black)]))


def new_page() -> Flowable:
    return PageBreak()


def pdf(
    path: Path,
    story: Sequence[Flowable],
    *,
    title: str | None = None,
    language: str | None = None,
    password: str | None = None,
    owner: str | None = None,
    edges: Callable[[Canvas, SimpleDocTemplate], None] | None = None,
) -> Path:
    """A laid out PDF. `password` is what opening needs, `owner` only restricts."""
    encryption = None
    if password is not None or owner is not None:
        encryption = StandardEncryption(
            password or "", ownerPassword=owner or "dueño", strength=128
        )
    template = SimpleDocTemplate(
        str(path), pagesize=A4, title=title, lang=language, encrypt=encryption
    )
    drawn = edges or (lambda canvas, document: None)
    template.build(list(story), onFirstPage=drawn, onLaterPages=drawn)
    return path


def drawn_pdf(path: Path, pages: Sequence[Callable[[Canvas], None]]) -> Path:
    """A PDF drawn by hand, a function a page."""
    canvas = Canvas(str(path), pagesize=A4)
    for draw in pages:
        draw(canvas)
        canvas.showPage()
    canvas.save()
    return path


def docx(path: Path, *, title: str = "", language: str = "") -> Path:
    """A Word file with headings, lists, a table and tracked changes."""
    document = Document()
    document.core_properties.title = title
    document.core_properties.language = language
    document.add_heading("Manual del decodificador", 0)
    document.add_paragraph("Cómo conectar tu equipo.")
    document.add_heading("Conexión", 1)
    for step in ("Conecta el cable HDMI.", "Enciende el televisor."):
        document.add_paragraph(step, style="List Number")
    for thing in ("Control remoto", "Pilas"):
        document.add_paragraph(thing, style="List Bullet")
    document.add_heading("Señales", 2)
    table = document.add_table(rows=1, cols=2)
    table.rows[0].cells[0].text, table.rows[0].cells[1].text = "Luz", "Qué significa"
    for light, meaning in (("Verde", "Todo bien"), ("Roja", "Sin señal")):
        cells = table.add_row().cells
        cells[0].text, cells[1].text = light, meaning
    changed = document.add_paragraph("El plazo es de ")
    attributes = f'{nsdecls("w")} w:id="1" w:author="a" w:date="2026-01-01T00:00:00Z"'
    deleted = f"<w:del {attributes}><w:r><w:delText>diez</w:delText></w:r></w:del>"
    inserted = f"<w:ins {attributes}><w:r><w:t>quince</w:t></w:r></w:ins>"
    changed._p.append(parse_xml(deleted))
    changed._p.append(parse_xml(inserted))
    changed.add_run(" días.")
    document.save(str(path))
    return path


def docx_with(path: Path, member: str, content: bytes) -> Path:
    """A Word file with one member of its archive put in the place of its own, or added."""
    made = io.BytesIO()
    with (
        zipfile.ZipFile(docx(path)) as before,
        zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as after,
    ):
        for each in before.infolist():
            if each.filename != member:
                after.writestr(each, before.read(each))
        after.writestr(member, content)
    path.write_bytes(made.getvalue())
    return path
