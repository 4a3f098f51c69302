"""Markdown (CommonMark with tables) by markdown-it-py. Front matter gives title and language."""

import re
from collections.abc import Iterator, Sequence

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from recado.knowledge.blocks import table_row
from recado.knowledge.extraction.html import text_of_html
from recado.knowledge.extraction.outline import (
    ExtractedDocument,
    Outline,
    addressed,
    listed,
    one_line,
)

_FRONT_MATTER = re.compile(r"---[ \t]*\n(?P<fields>.*?\n)(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_FIELD = re.compile(
    r"^(?P<name>title|lang|language)[ \t]*:[ \t]*(?P<value>.+?)[ \t]*$", re.MULTILINE
)


def extract_markdown(text: str, fallback_title: str) -> ExtractedDocument:
    text, fields = _without_front_matter(text)
    outline = Outline(title=fields.get("title"))
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    for node in SyntaxTreeNode(parser.parse(text)).children:
        if node.type == "heading":
            outline.heading(int(node.tag[1:]), one_line(_inline(node.children)))
        else:
            for block in _blocks(node):
                outline.block(block)
    return outline.document(fields.get("lang") or fields.get("language"), fallback_title)


def _without_front_matter(text: str) -> tuple[str, dict[str, str]]:
    matter = _FRONT_MATTER.match(text)
    if matter is None:
        return text, {}
    found = {field["name"]: field["value"].strip("\"'") for field in _FIELD.finditer(matter[0])}
    return text[matter.end() :], {name: value for name, value in found.items() if value}


def _blocks(node: SyntaxTreeNode) -> Iterator[str]:
    match node.type:
        case "paragraph" | "heading":
            yield _inline(node.children)
        case "bullet_list":
            yield listed([("-", list(_inside(item))) for item in node.children])
        case "ordered_list":
            first = int(node.attrs.get("start", 1))
            numbered = enumerate(node.children, start=first)
            yield listed([(f"{number}.", list(_inside(item))) for number, item in numbered])
        case "table":
            yield _table(node)
        case "fence" | "code_block":
            yield node.content.rstrip()
        case "html_block":
            yield text_of_html(node.content)
        case "hr":
            return
        case _:
            yield from _inside(node)


def _inside(node: SyntaxTreeNode) -> Iterator[str]:
    for child in node.children:
        yield from _blocks(child)


def _table(node: SyntaxTreeNode) -> str:
    rows = [
        table_row(one_line(_inline(cell.children)) for cell in row.children)
        for part in node.children
        for row in part.children
    ]
    columns = len(node.children[0].children[0].children)
    return "\n".join([rows[0], table_row(["---"] * columns), *rows[1:]])


def _inline(nodes: Sequence[SyntaxTreeNode]) -> str:
    return "".join(_span(node) for node in nodes)


def _span(node: SyntaxTreeNode) -> str:
    match node.type:
        case "text" | "code_inline":
            return node.content
        case "softbreak" | "hardbreak":
            return " "
        case "link":
            return addressed(_inline(node.children), str(node.attrs.get("href", "")))
        case "html_inline":
            return " " if node.content.lower().startswith("<br") else ""
        case _:  # emphasis and the like, and an image, whose children are its description
            return _inline(node.children)
