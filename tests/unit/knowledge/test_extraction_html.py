"""HTML to sections, without what surrounds the text of a page."""

from recado.knowledge.extraction import ExtractedDocument, extract
from recado.knowledge.model import Section


def html(text: str) -> ExtractedDocument:
    return extract(text.encode(), "text/html; charset=utf-8", name="pagos.html")


PAGE = """<!doctype html><html lang="es-MX"><head><title>Pagos | Fibralia</title><style>b{}</style>
</head><body><header><a href="/">Inicio</a></header><nav><ul><li>Planes</li></ul></nav>
<main><h1>Cómo <em>pagar</em></h1><p>En línea&nbsp;o en <b>caja</b>.</p>
<form><label>Correo</label></form><aside>Publicidad</aside>
<h2>Medios</h2><div>Tarjeta<br>y efectivo<script>track()</script></div></main>
<footer>© Fibralia</footer></body></html>"""


def test_the_main_part_is_read_and_what_surrounds_it_is_not() -> None:
    found = html(PAGE)
    assert found == ExtractedDocument(
        title="Cómo pagar",
        language="es-MX",
        sections=(
            Section((), "En línea o en caja."),
            Section(("Medios",), "Tarjeta y efectivo"),
        ),
    )


def test_without_a_main_part_the_body_is_read_without_header_navigation_and_footer() -> None:
    found = html(
        "<title>Pagos</title><body><header>Menú</header><div role=navigation>Ir a</div>"
        "<h2>Plazos</h2>Diez días.<div hidden>no</div><footer>pie</footer>"
    )
    assert found.title == "Pagos"
    assert found.sections == (Section(("Plazos",), "Diez días."),)


def test_a_header_that_holds_the_page_s_title_is_read() -> None:
    found = html("<body><header><h1>Pagos</h1></header><p>Texto.</p>")
    assert (found.title, found.sections[0].text) == ("Pagos", "Texto.")


def test_lists_and_tables_keep_their_form() -> None:
    found = html(
        "<ol start=2><li>Dos<ul><li>dentro</ul><li><p>Tres</p><p>sigue</p></ol>"
        "<table><thead><tr><th>Plan<th>Precio<tbody><tr><td>600<td>34 | 35<tr><td>1000</table>"
    )
    assert found.sections[0].text == (
        "2. Dos\n   - dentro\n3. Tres\n   sigue\n\n"
        "| Plan | Precio |\n| --- | --- |\n| 600 | 34 / 35 |\n| 1000 |  |"
    )


def test_a_table_for_the_looks_of_it_is_read_as_text() -> None:
    assert html("<table><tr><td><p>Uno</p><p>Dos</p></table>").sections[0].text == "Uno Dos"


def test_a_question_stands_beside_its_answer() -> None:
    found = html("<dl><dt>¿Cuánto tarda?<dd>Dos días.<dt>¿Y si no?<dd>Llama.</dl>")
    assert found.sections[0].text == "¿Cuánto tarda?\nDos días.\n\n¿Y si no?\nLlama."


def test_blocks_inside_links_and_spans_are_kept_apart() -> None:
    found = html('<a href="#x"><div>Uno</div><div>Dos</div></a><span>tres <b>cuatro</b></span>')
    assert found.sections[0].text == "Uno\n\nDos\n\ntres cuatro"


def test_links_to_other_sites_keep_their_address() -> None:
    found = html('<p><a href="https://a.example/g">Guía</a> y <a href="/b">otra</a></p>')
    assert found.sections[0].text == "Guía (https://a.example/g) y otra"


def test_elements_nested_without_end_are_read_all_the_same() -> None:
    for tag in ("div", "b", "ul><li", "blockquote"):
        assert "hondo" in html(f"<{tag}>" * 5000 + "hondo").sections[0].text


def test_a_site_s_header_notices_and_hidden_parts_are_left_out() -> None:
    found = html(
        """<body><div id="cookie-banner-2"><p>Usamos cookies</p><button>Aceptar</button></div>
        <div class="x onetrust-pc"><p>Tu privacidad</p></div>
        <header><h1>Fibralia</h1><ul><li>Planes</ul></header>
        <div class="breadcrumbs"><a href="/">Inicio</a></div>
        <div><h1>Política de cookies</h1><p class="cookies">Qué guardamos.</p>
        <p style="color:red; display: none">no</p><p style="display:none">no</p></div>
        <footer>pie</footer>"""
    )
    assert (found.title, found.sections) == (
        "Política de cookies",
        (Section((), "Qué guardamos."),),
    )


def test_the_summary_of_details_stands_above_what_it_opens() -> None:
    found = html(
        "<details><summary>¿Cómo <b>pago</b>?</summary><p>En caja.</p></details>"
        "<details><summary>Cambiar la clave</summary><ul><li>Abre la app</ul></details>"
    )
    assert found.sections[0].text == (
        "¿Cómo pago?\n\nEn caja.\n\n### Cambiar la clave\n\n- Abre la app"
    )


def test_menus_and_notices_without_elements_of_their_own_are_left_out() -> None:
    """As sites write them that know only divisions; names are told apart in any case."""
    found = html(
        "<body><div class='Navbar big'><a href=/>Inicio</a></div><div class=menu><ul>"
        "<li><a href=/a>Planes</a><ul><li><a href=/b>Hogar</a></ul><li><a href=/c>Tienda</a></ul>"
        "</div><div role=dialog>Acepta</div><div id=CybotCookiebotDialog>Galletas</div>"
        "<h1>Pagos</h1><div class=menu-del-dia>Texto.</div>"
        "<ul><li><a href=/1>Con tarjeta</a><li><a href=/2>En caja</a></ul>"
    )
    assert found.title == "Pagos"
    assert [section.text for section in found.sections] == [
        "Texto.\n\n- Con tarjeta\n- En caja",
    ]


def test_a_list_above_the_title_that_says_more_than_its_links_is_read() -> None:
    found = html("<ul><li><a href=/a>Uno</a> es gratis<li><a href=/b>Dos</a></ul><h1>Planes</h1>")
    assert found.sections[0].text == "- Uno es gratis\n- Dos"


def test_a_page_of_links_without_a_title_is_read() -> None:
    found = html("<ul><li><a href=/a>Uno</a><li><a href=/b>Dos</a></ul>")
    assert found.sections[0].text == "- Uno\n- Dos"


def test_a_cell_that_spans_rows_or_columns_stands_in_each_of_them() -> None:
    """Else what is right of it, or below, moves under another column's header."""
    found = html(
        "<table><tr><th>Zona<th>Plan<th>Alta<th>Baja<tr><td rowspan=2>Norte<td>600<td>10<td>5"
        "<tr><td>1000<td colspan=2>gratis<tr><td>Sur<td rowspan=0>600<td colspan=x>12<td>6</table>"
    )
    assert found.sections[0].text.split("\n")[2:] == [
        "| Norte | 600 | 10 | 5 |",
        "| Norte | 1000 | gratis | gratis |",
        "| Sur | 600 | 12 | 6 |",
    ]
