"""From a run of headings and blocks to titled sections with heading paths."""

from dataclasses import dataclass, field

from recado.knowledge.extraction.limits import LONGEST_HEADING
from recado.knowledge.model import DEFAULT_LANGUAGE, Section


@dataclass(frozen=True, slots=True)
class ExtractedDocument:
    """What a file says. `language` is an IETF tag. There is at least one section in it, and no
    section without text, unless the extractor found nothing to read."""

    title: str
    language: str
    sections: tuple[Section, ...]


@dataclass
class Outline:
    """Collects headings and blocks in reading order.

    The first heading of level 1 is the document's title and stands in no path; later ones of its
    level are sections like any other. `page` is where the next block stands; a section has the
    page of its first block.
    """

    title: str | None = None
    page: int | None = None
    _path: list[tuple[int, str]] = field(default_factory=list)
    _blocks: list[str] = field(default_factory=list)
    _begun: int | None = None
    _sections: list[Section] = field(default_factory=list)

    def heading(self, level: int, text: str) -> None:
        if not text:
            return
        if len(text) > LONGEST_HEADING:
            self.block(text)
            return
        self.close()
        if level == 1 and self.title is None:
            self.title = text
            self._path.clear()
            return
        while self._path and self._path[-1][0] >= level:
            self._path.pop()
        if text != self.title or self._path:
            self._path.append((level, text))

    def block(self, text: str) -> None:
        if text.strip():
            if not self._blocks:
                self._begun = self.page
            self._blocks.append(text.strip("\n"))

    def close(self) -> None:
        """End the section; what follows under the same headings is another one."""
        if self._blocks:
            path = tuple(text for _, text in self._path)
            self._sections.append(Section(path, "\n\n".join(self._blocks), self._begun))
            self._blocks = []

    def taken(self) -> list[Section]:
        """The sections that are complete, which the outline then forgets."""
        sections, self._sections = self._sections, []
        return sections

    def document(self, language: str | None, fallback_title: str) -> ExtractedDocument:
        self.close()
        title = self.title or title_of_name(fallback_title)
        return ExtractedDocument(title, language or DEFAULT_LANGUAGE, tuple(self._sections))


def title_of_name(stem: str) -> str:
    """A title for what has none, from the file's name without its ending."""
    return stem.replace("-", " ").replace("_", " ").strip() or stem


def one_line(text: str) -> str:
    """The text with every run of white space, line ends too, as one space."""
    return " ".join(text.split())


def addressed(text: str, address: str | None) -> str:
    """A link as plain text: with its address, unless that is within the site or is the text."""
    scheme, _, rest = (address or "").partition(":")
    if scheme not in {"http", "https", "mailto", "tel"} or not rest:
        return text
    shown = rest if scheme in {"mailto", "tel"} else (address or "")
    if not text:
        return shown
    bare = rest.removeprefix("//").rstrip("/")
    return text if bare in text else f"{text} ({shown})"


def listed(items: list[tuple[str, list[str]]]) -> str:
    """A list from its items, each a marker and the blocks in it; later lines are indented."""
    lines: list[str] = []
    for marker, parts in items:
        inside = [line for part in parts for line in part.split("\n") if line.strip()]
        if inside:
            indent = " " * (len(marker) + 1)
            lines.append(f"{marker} {inside[0].strip()}")
            lines += [indent + line for line in inside[1:]]
    return "\n".join(lines)
