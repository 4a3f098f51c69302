"""Files to sections: Markdown, HTML and plain text, each by its own parser.

What is kept: the title, the heading path of every section, lists and tables (written as
`recado.knowledge.blocks` says), the language where the file names one. What goes: inline markup,
and from HTML scripts and navigation. A link to another site keeps its address, because a customer
may need it.

A file is taken or refused whole: `InvalidDocument` names it and says why (empty, not UTF-8, binary,
unknown type, too large, nothing to read in it). Parsing is CPU work on the calling thread: about
10 ms for a page of some hundred words; memory is some ten times the file's size.

Needs the extra `extraction`.
"""

from recado.knowledge.extraction.files import MAX_BYTES, MEDIA_TYPES, extract, media_type_of
from recado.knowledge.extraction.outline import ExtractedDocument

__all__ = ["MAX_BYTES", "MEDIA_TYPES", "ExtractedDocument", "extract", "media_type_of"]
