"""The commands and the Python of the tutorial and the how-to pages are run as they stand, page by page.

A block below a line that names a file is that file: it is written before the next block is run.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from cereblon.cli import main as cli

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = [DOCS / "tutorial.md", *sorted((DOCS / "howto").glob("*.md"))]
SLOW = re.compile(r"cereblon (reproduce\b|claims( --|$))")  # minutes; tested elsewhere


FENCE = re.compile(r"(?:^`([\w./-]+)`[^\n]*:\n\n)?^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)
RUN = ("console", "python")


def blocks(page: Path) -> list[tuple[str, str, str]]:
    """Return (file, language, text) of the fenced blocks that are to be written or run, in their order."""
    found = FENCE.findall(page.read_text("utf-8"))
    named = [("" if language in RUN else file, language, text) for file, language, text in found]
    return [block for block in named if block[0] or block[1] in RUN]


@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p)], ids=lambda page: page.stem)
def test_page_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for file, language, text in blocks(page):
        if file:
            Path(file).parent.mkdir(parents=True, exist_ok=True)
            Path(file).write_text(text, "utf-8")
            continue
        if language == "python":
            exec(compile(text, page.name, "exec"), names)
            continue
        for line in text.splitlines():
            assert line.startswith("$ cereblon "), line
            if not SLOW.match(line[2:]):
                assert cli._main(shlex.split(line)[2:]) == 0, line
    if page.stem == "tutorial":
        guide = (DOCS / "howto" / "run_folder.md").read_text("utf-8")
        promised = set(re.findall(r"^\| `([\w.]+)` \|", guide, re.MULTILINE))
        assert len(promised) >= 9
        assert promised <= {path.name for path in (tmp_path / "badoux").iterdir()}
