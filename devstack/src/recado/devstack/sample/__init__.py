"""The sample knowledge base: an invented provider's help pages, and questions about them."""

from pathlib import Path

PAGES = Path(__file__).parent / "pages"
"""The Markdown pages."""

QUESTIONS = Path(__file__).parent / "questions.yaml"
"""Questions, each with the page that answers it."""
