"""Takes the markup off a text as `parse_mode` asks, and refuses what is plainly unbalanced.

Enough to find the mistakes that bots make most ("can't parse entities"); the entities themselves
are not worked out. Sources: Bot API, "Formatting options"; wording: tdlib (`MessageEntity.cpp`).
Byte offsets are those of UTF-8.
"""

import re
from html import unescape

from recado.devstack.standins.telegram_errors import BadRequest

# Bot API, "HTML style".
_HTML_TAGS = frozenset(
    {
        "b",
        "strong",
        "i",
        "em",
        "u",
        "ins",
        "s",
        "strike",
        "del",
        "span",
        "tg-spoiler",
        "tg-emoji",
        "a",
        "code",
        "pre",
        "blockquote",
    }
)
_HTML_TAG = re.compile(r"<(?P<end>/?)(?P<name>[^\s>/]*)[^>]*>")

# Bot API, "MarkdownV2 style": these must be escaped wherever they are not markup.
_RESERVED = frozenset("_*[]()~`>#+-=|{}.!")
_V2_MARKS = ("```", "`", "||", "__", "_", "*", "~")
# The target of a link, escapes within it included.
_LINK_TARGET = re.compile(r"\]\((?:\\.|[^)\\])*\)")


def take_off_markup(text: str, parse_mode: str) -> str:
    """The text as the customer sees it.

    Raises BadRequest for a parse mode that does not exist and for markup that does not close.
    """
    match parse_mode.lower():
        case "html":
            return _html(text)
        case "markdown":
            return _markdown(text)
        case "markdownv2":
            return _markdown_v2(text)
        case _:
            raise BadRequest("unsupported parse_mode")


def _html(text: str) -> str:
    plain: list[str] = []
    open_tags: list[str] = []
    position = 0
    while (start := text.find("<", position)) >= 0:
        plain.append(text[position:start])
        tag = _HTML_TAG.match(text, start)
        if tag is None:
            raise _unparsable(f"Unclosed start tag at byte offset {_bytes(text, start)}")
        name = tag["name"].lower()
        if tag["end"]:
            if not open_tags or open_tags[-1] != name:
                raise _unparsable(f"Unexpected end tag at byte offset {_bytes(text, start)}")
            open_tags.pop()
        elif name not in _HTML_TAGS:
            raise _unparsable(
                f'Unsupported start tag "{name}" at byte offset {_bytes(text, start)}'
            )
        else:
            open_tags.append(name)
        position = tag.end()
    if open_tags:
        raise _unparsable(f'Can\'t find end tag corresponding to start tag "{open_tags[-1]}"')
    plain.append(text[position:])
    return unescape("".join(plain))


def _markdown(text: str) -> str:
    """The legacy style: no nesting, `\\` escapes `_*[` and the backtick."""
    plain: list[str] = []
    position = 0
    while position < len(text):
        character = text[position]
        if character == "\\" and text[position + 1 : position + 2] in {"_", "*", "`", "["}:
            plain.append(text[position + 1])
            position += 2
        elif character in "_*`":
            mark = "```" if text.startswith("```", position) else character
            end = text.find(mark, position + len(mark))
            if end < 0:
                raise _unending(text, position)
            plain.append(text[position + len(mark) : end])
            position = end + len(mark)
        elif character == "[":
            end = text.find("]", position)
            if end < 0:
                raise _unending(text, position)
            plain.append(text[position + 1 : end])
            target = _LINK_TARGET.match(text, end)
            position = target.end() if target else end + 1
        else:
            plain.append(character)
            position += 1
    return "".join(plain)


def _markdown_v2(text: str) -> str:
    plain: list[str] = []
    open_marks: list[tuple[str, int]] = []
    position = 0
    while position < len(text):
        inside = open_marks[-1][0] if open_marks else ""
        if text[position] == "\\" and position + 1 < len(text):
            plain.append(text[position + 1])
            position += 2
            continue
        if inside in {"`", "```"}:
            mark = inside if text.startswith(inside, position) else ""
        else:
            mark = next((each for each in _V2_MARKS if text.startswith(each, position)), "")
        if mark:
            if inside == mark:
                open_marks.pop()
            else:
                open_marks.append((mark, position))
            position += len(mark)
        elif inside in {"`", "```"}:
            plain.append(text[position])
            position += 1
        elif text[position] == "[":
            open_marks.append(("[", position))
            position += 1
        elif inside == "[" and (target := _LINK_TARGET.match(text, position)):
            open_marks.pop()
            position = target.end()
        elif text[position] == ">" and (position == 0 or text[position - 1] == "\n"):
            position += 1
        elif text[position] in _RESERVED:
            raise _unparsable(
                f"Character '{text[position]}' is reserved and must be escaped with the preceding"
                " '\\'"
            )
        else:
            plain.append(text[position])
            position += 1
    if open_marks:
        raise _unending(text, open_marks[-1][1])
    return "".join(plain)


def _bytes(text: str, position: int) -> int:
    return len(text[:position].encode())


def _unending(text: str, position: int) -> BadRequest:
    return _unparsable(
        f"Can't find end of the entity starting at byte offset {_bytes(text, position)}"
    )


def _unparsable(what: str) -> BadRequest:
    return BadRequest(f"can't parse entities: {what}")
