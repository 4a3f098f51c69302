"""CSV to sections: an FAQ's rows, or a table."""

import logging

import pytest

from recado.knowledge.errors import InvalidDocument
from recado.knowledge.extraction import extract
from recado.knowledge.model import Section


def read(text: str, encoding: str = "utf-8") -> tuple[Section, ...]:
    return extract(text.encode(encoding), "text/csv", name="preguntas.csv").sections


PAIR = Section(("Pagos",), "¿Cómo pago?\nEn línea, o en caja.")


@pytest.mark.parametrize(
    "text",
    [
        'Tema,Pregunta,Respuesta\nPagos,¿Cómo pago?,"En línea, o en caja."\n',
        "RESPUESTA;CATEGORÍA;PREGUNTA\nEn línea, o en caja.;Pagos;¿Cómo pago?\n",
        "answer\tquestion\tTopic\nEn línea, o en caja.\t¿Cómo pago?\tPagos",
        "sección|¿Pregunta?|Solución\nPagos|¿Cómo pago?|En línea, o en caja.\n",
        "sep=;\r\ncategoria;pregunta;respuesta\r\nPagos;¿Cómo pago?;En línea, o en caja.\r\n",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_each_row_of_an_faq_is_the_question_beside_its_answer(text: str, encoding: str) -> None:
    """Whatever the separator, the columns' order, names, case and accents, and the encoding."""
    assert read(text, encoding) == (PAIR,)


def test_line_ends_within_a_cell_belong_to_the_answer() -> None:
    found = read('pregunta,respuesta\n"¿Cómo\npago?","- En línea\n- En ""caja"""\n¿Y?,Así.')
    assert [each.text for each in found] == [
        '¿Cómo pago?\n- En línea\n- En "caja"',
        "¿Y?\nAsí.",
    ]


def test_a_question_without_its_mark_is_a_heading_above_its_answer() -> None:
    assert read("pregunta,respuesta\ncambiar clave,En la app.\n")[0].text == (
        "### cambiar clave\n\nEn la app."
    )


def test_rows_without_an_answer_are_skipped_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        found = read("pregunta,respuesta\n¿A?,\n¿B?,Sí.\n,Huérfana\n\n")
    assert [each.text for each in found] == ["¿B?\nSí."]
    assert "preguntas.csv: 2 rows" in caplog.text
    assert "Huérfana" not in caplog.text


def test_what_other_columns_say_stays_with_its_row() -> None:
    found = read("pregunta,respuesta,Enlace,Zona\n¿A?,Sí.,https://a.example,\n")
    assert found[0].text == "¿A?\nSí.\nEnlace: https://a.example"


def test_any_other_table_keeps_its_header_and_what_looks_like_a_formula() -> None:
    assert read("Plan;Precio\n600;=1+1\n1000;-5 | @x\n;\n900\n") == (
        Section(
            (),
            "| Plan | Precio |\n| --- | --- |\n| 600 | =1+1 |\n| 1000 | -5 / @x |\n| 900 |  |",
        ),
    )


def test_every_section_of_a_long_table_begins_with_its_header() -> None:
    found = read("a,b\n" + "".join(f"{n},fila {n}\n" for n in range(9000)))
    assert len(found) > 3
    assert all(each.text.startswith("| a | b |\n| --- | --- |\n| ") for each in found)
    rows = [line for each in found for line in each.text.split("\n")[2:]]
    assert rows == [f"| {n} | fila {n} |" for n in range(9000)]


def test_a_quotation_mark_that_is_never_closed_is_refused_with_its_row() -> None:
    with pytest.raises(InvalidDocument, match=r"not a readable CSV: row 2: .*quotation mark"):
        read('a,b\n"uno,dos\n' + "tres,cuatro\n" * 20_000)


def test_a_line_without_end_is_refused() -> None:
    with pytest.raises(InvalidDocument, match="not a table: a line of more than 1,048,576"):
        read("a,b\n" + "x" * 3_000_000)


@pytest.mark.parametrize("title", ["Preguntas frecuentes 2026", "Ayuda;;", "Ayuda, general"])
def test_a_title_above_an_faq_s_header_is_left_out(title: str) -> None:
    content = f"{title}\n\nNº;PREGUNTAS FRECUENTES;Respuestas\n1;¿Es gratis?;Sí, todo.\n"
    (section,) = extract(content.encode(), "text/csv", name="faq.csv").sections
    assert section.text == "¿Es gratis?\nSí, todo.\nNº: 1"
