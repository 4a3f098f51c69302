"""HTML by selectolax: the main part of the page, without navigation, scripts and forms."""

from collections.abc import Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode

from recado.knowledge.blocks import heading, is_question, table_row
from recado.knowledge.extraction.outline import (
    ExtractedDocument,
    Outline,
    addressed,
    listed,
    one_line,
)

_NOT_CONTENT = (
    "script, style, template, noscript, iframe, object, svg, canvas, form, dialog, nav, footer,"
    " aside, [hidden], [aria-hidden=true], [role=navigation], [role=banner], [role=search],"
    " [role=contentinfo], [role=complementary], [role=dialog], [role=alertdialog], [role=menu],"
    " [role=menubar]"
)
# fmt: off
_FURNITURE = (
    "cookie-banner", "cookie-consent", "cookie-notice", "cookie-bar", "cookie-law",
    "cookie-modal", "cookie-popup", "cookie-overlay", "cookies-banner", "cookies-consent",
    "cookies-notice", "cookies-bar", "cookies-modal", "cookies-popup", "cookies-overlay",
    "cookie_banner", "cookie_consent", "cookie_notice", "cookiebanner", "cookieconsent",
    "cookienotice", "cookiebot", "aviso-cookies", "aviso_cookies", "avisocookies",
    "banner-cookies", "onetrust", "didomi", "breadcrumb", "skip-link", "sr-only",
)
_MENUS = (
    "navbar", "nav-menu", "navmenu", "main-menu", "site-menu", "site-nav", "main-nav",
    "menu-principal",
)
# fmt: on
"""Names that sites and their plug-ins give to cookie notices, menus and other furniture, in any
case. Not "cookie" or "menu" by itself: a page about cookies is a page."""

_NOTICES = ", ".join(
    [f"[id*={told!r} i], [class*={told!r} i]" for told in _FURNITURE]
    + [f"[id={told!r} i], [class~={told!r} i]" for told in _MENUS]
)
_INVISIBLE = ", ".join(
    f"[style*={told!r}]" for told in ("display:none", "display: none", "visibility:hidden")
)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
# fmt: off
_SPANS = frozenset({
    "a", "abbr", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font",
    "i", "ins", "kbd", "label", "mark", "q", "s", "samp", "small", "span", "strike", "strong",
    "sub", "sup", "time", "tt", "u", "var", "wbr",
})
# fmt: on
_WIDEST_SPAN = 50
_DEEPEST = 100
"""Elements within elements that are told apart; what lies deeper is read as one paragraph."""


def extract_html(
    text: str, fallback_title: str, *, title: str | None = None, language: str | None = None
) -> ExtractedDocument:
    """Read a page. `title` and `language` are what is known of it from elsewhere, and win."""
    parser = LexborHTMLParser(text)
    root = parser.root
    if language is None and root:
        language = (root.attributes.get("lang") or "").strip()
    named = parser.css_first("head > title")
    page_title = one_line(named.text()) if named else ""
    for node in parser.css(f"{_NOT_CONTENT}, {_NOTICES}, {_INVISIBLE}"):
        node.decompose()
    content = parser.css_first("main, [role=main]") or parser.css_first("article") or parser.body
    outline = Outline(title=title)
    if content:
        if content.tag == "body":  # a site's header; one within an article is the article's own
            headings = len(parser.css("h1"))
            for node in parser.css("body > header, body > div > header"):
                within = len(node.css("h1"))
                if not within or within < headings:  # the site's name, where the page has its own
                    node.decompose()
            _without_menus(content)
        _read(content, outline, 0)
    if outline.title is None:
        outline.title = page_title or None
    return outline.document(language or None, fallback_title)


def _without_menus(body: LexborNode) -> None:
    """Take out the lists of nothing but links that stand above the page's title."""
    lists: list[LexborNode] = []
    for node in body.traverse():
        if node.tag == "h1":
            for menu in lists:
                menu.decompose()
            return
        if node.tag in {"ul", "ol"} and (node.parent is None or node.parent.tag != "li"):
            links = node.css("a")
            linked = "".join(link.text() for link in links)
            if len(links) > 1 and one_line(linked).replace(" ", "") == "".join(node.text().split()):
                lists.append(node)


def text_of_html(fragment: str) -> str:
    """The text of a piece of HTML as one paragraph, comments and scripts left out."""
    parser = LexborHTMLParser(fragment)
    for node in parser.css("script, style"):
        node.decompose()
    return one_line(parser.body.text(separator=" ")) if parser.body else ""


def _read(node: LexborNode, outline: Outline, depth: int) -> None:
    if depth == _DEEPEST:
        outline.block(one_line(node.text(separator=" ")))
        return
    loose: list[str] = []

    def flush() -> None:
        outline.block(one_line("".join(loose)))
        loose.clear()

    for child in node.iter(include_text=True):
        tag = child.tag or ""
        if _is_span(child):
            loose.append(_span(child, depth + 1))
            continue
        flush()
        if tag in _HEADINGS:
            outline.heading(_HEADINGS[tag], one_line(_inline(child, depth + 1)))
        elif tag == "summary":  # of <details>: what it answers, or names, stands below it
            asked = one_line(_inline(child, depth + 1))
            outline.block(asked if is_question(asked) or not asked else heading(asked))
        elif tag in {"p", "pre", "ul", "ol", "dl", "table"}:
            for block in _blocks(child, depth + 1):
                outline.block(block)
        else:
            _read(child, outline, depth + 1)
    flush()


def _blocks(node: LexborNode, depth: int) -> Iterator[str]:
    """The blocks below a node in which no headings are looked for."""
    tag = node.tag or ""
    if depth >= _DEEPEST or tag == "p" or tag in _HEADINGS:
        yield one_line(_inline(node, depth) if depth < _DEEPEST else node.text(separator=" "))
    elif tag == "pre":
        yield "\n".join(line.rstrip() for line in node.text().strip("\n").split("\n"))
    elif tag in {"ul", "ol"}:
        yield _list(node, depth)
    elif tag == "dl":
        yield from _pairs(node, depth)
    elif tag == "table":
        yield _table(node, depth)
    else:
        loose: list[str] = []
        for child in node.iter(include_text=True):
            if _is_span(child):
                loose.append(_span(child, depth + 1))
                continue
            yield one_line("".join(loose))
            loose.clear()
            yield from _blocks(child, depth + 1)
        yield one_line("".join(loose))


def _list(node: LexborNode, depth: int) -> str:
    start = (node.attributes.get("start") or "1") if node.tag == "ol" else "1"
    number = int(start) if start.isdecimal() else 1
    items = []
    for item in node.iter():
        marker = f"{number}." if node.tag == "ol" else "-"
        items.append((marker, [block for block in _blocks(item, depth + 1) if block]))
        number += 1
    return listed(items)


def _pairs(node: LexborNode, depth: int) -> Iterator[str]:
    """Terms, or questions, each in one block with what is said of it."""
    pair: list[str] = []
    said = False
    for child in node.css("dt, dd"):
        if child.tag == "dt" and said:
            yield "\n".join(pair)
            pair, said = [], False
        said = said or child.tag == "dd"
        pair += [block for block in _blocks(child, depth + 1) if block]
    yield "\n".join(pair)


def _table(node: LexborNode, depth: int) -> str:
    rows = [list(row.iter()) for row in _rows(node)]
    widest = max((len(row) for row in rows), default=0)
    if widest <= 1 or len(rows) == 1:  # a table for the looks of it
        cells = (_cell(cell, depth + 1) for row in rows for cell in row)
        return "\n\n".join(cell for cell in cells if cell)
    texts = _grid(rows, depth)
    widest = max(len(row) for row in texts)
    lines = [table_row(cells + [""] * (widest - len(cells))) for cells in texts]
    return "\n".join([lines[0], table_row(["---"] * widest), *lines[1:]])


def _grid(rows: list[list[LexborNode]], depth: int) -> list[list[str]]:
    """The cells' texts, each in its column. One that spans rows or columns stands in all of them,
    so that every row can be read for itself."""
    texts: list[list[str]] = []
    below: dict[int, tuple[int, str]] = {}  # by column: how many rows more, and the text
    for row in rows:
        line: list[str] = []

        def spanned(line: list[str] = line) -> None:
            while len(line) in below:
                left, text = below.pop(len(line))
                if left > 1:
                    below[len(line)] = left - 1, text
                line.append(text)

        for cell in row:
            spanned()
            text, down = _cell(cell, depth + 1), _span_of(cell, "rowspan")
            for _ in range(_span_of(cell, "colspan")):
                if down > 1:
                    below[len(line)] = down - 1, text
                line.append(text)
        spanned()
        texts.append(line)
    return texts


def _span_of(cell: LexborNode, name: str) -> int:
    told = cell.attributes.get(name) or "1"
    return min(max(int(told), 1), _WIDEST_SPAN) if told.isdecimal() and len(told) < 5 else 1


def _rows(table: LexborNode) -> Iterator[LexborNode]:
    for child in table.iter():
        if child.tag == "tr":
            yield child
        elif child.tag in {"thead", "tbody", "tfoot"}:
            yield from (row for row in child.iter() if row.tag == "tr")


def _cell(node: LexborNode, depth: int) -> str:
    return one_line(" ".join(block for block in _blocks(node, depth) if block))


def _inline(node: LexborNode, depth: int) -> str:
    return "".join(_span(child, depth + 1) for child in node.iter(include_text=True))


def _span(node: LexborNode, depth: int) -> str:
    tag = node.tag or ""
    if tag == "-text":
        return node.text()
    if tag == "br":
        return " "
    if tag == "img":
        return node.attributes.get("alt") or ""
    if depth >= _DEEPEST:
        return node.text(separator=" ")
    text = _inline(node, depth)
    if tag == "a":
        return addressed(text, node.attributes.get("href"))
    return text if tag in _SPANS else f" {text} "


def _is_span(node: LexborNode) -> bool:
    tag = node.tag or ""
    if tag in {"-text", "br", "img"}:
        return True
    return tag in _SPANS and not any(
        child.tag not in _SPANS and child.tag not in {"br", "img"} for child in node.iter()
    )
