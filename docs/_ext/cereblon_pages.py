"""Sphinx extension: before each build, write the pages under docs/generated from the package itself.

What can be read from the model text, the registry, the schema, the tables and the command line is never
written by hand, so it cannot go out of date.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pages_model import model_pages
from pages_reference import reference_pages


def pages() -> Iterator[tuple[str, str]]:
    """Yield (path below docs/generated, Markdown text) of every generated page."""
    yield from model_pages()
    yield from reference_pages()


def write_pages(folder: Path) -> None:
    """Write all pages into `folder`, leave unchanged files alone, remove pages that are no longer made."""
    kept = set()
    for name, text in pages():
        path = folder / name
        kept.add(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")
    for path in folder.rglob("*.md"):
        if path not in kept:
            path.unlink()


def setup(app: Any) -> dict[str, Any]:
    """Register with Sphinx."""
    app.connect("builder-inited", lambda running: write_pages(Path(running.srcdir) / "generated"))
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
