"""Titles, names and words of a document are shown as they are written: no markup acts, nothing moves the terminal."""

import io
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console, RenderableType

import synthetic
from cereblon.cli.main import main
from cereblon.clinic.trial.trial import Trial
from cereblon.errors import CereblonError, printable, visible
from cereblon.evidence.documents import load_assay
from cereblon.report import console as screens
from cereblon.report.claims_tables import condition_table, course_table
from cereblon.report.console import Screen, outcome_notes, outcome_table, registry_table, reproduce_table, table
from cereblon.report.page import report_page
from cereblon.report.showing import show_trial

HOSTILE = (
    "[/x]",
    "dose [10] and [a] group",
    "[link=http://evil.example]click[/link]",
    "[red on blue]red[/]",
    ":smiley: \\[x]",
    "\x1b]0;owned\a",
    "\x1b[31m\x1b[2J",
    "back\b\b\rover",
    "abc\u202egnp.exe",
    "in\u200bvisible\ufeff",
    "\u2066isolate\u2069",
    "\x9b31m",
    "two\nlines",
)
_ACTS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_STYLE = re.compile(r"\x1b\[[0-9;]*m")


def hostile_trial(words: str) -> Trial:
    """A trial with `words` wherever a document is free to write; the id of a source is not."""
    plain = synthetic.trial(("one", "two"))
    return plain.model_copy(
        update={
            "title": words,
            "arms": tuple(arm.model_copy(update={"name": words}) for arm in plain.arms),
            "published": tuple(p.model_copy(update={"note": words}) for p in plain.published),
            "assumptions": tuple(a.model_copy(update={"choice": words, "why": words}) for a in plain.assumptions),
            "sources": tuple(s.model_copy(update={"what": words}) for s in plain.sources),
            "registration": words,
        }
    )


def shown(part: RenderableType, screen: type[Console] = Screen) -> str:
    """What a colour terminal gets, styles taken off."""
    stream = io.StringIO()
    screen(file=stream, width=300, force_terminal=True, color_system="truecolor", highlight=False).print(part)
    return _STYLE.sub("", stream.getvalue())


def parts(words: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[RenderableType]:
    """Everything that is printed of a trial, an assay, a claim and a table."""
    design = hostile_trial(words)
    result = synthetic.study(20, design=design)
    yield outcome_table(result)
    yield from outcome_notes(result)
    yield registry_table([design])
    yield reproduce_table({words: result.comparisons})
    monkeypatch.setattr("cereblon.clinic.trial.load.load_trial", lambda _, drugs=(): design)
    yield from show_trial("x").parts
    yield table((words, "b"), title=words)
    row = table(("a",))
    row.add_row(words)
    yield row
    yield words


@pytest.mark.parametrize("words", HOSTILE)
def test_no_words_of_a_document_act_on_the_terminal(words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = ""
    for part in parts(words, monkeypatch):
        text = shown(part)
        assert not _ACTS.search(text), repr(text)
        assert "\x1b" not in text  # a link would be one
        seen += text
    assert seen.count(visible(words)) >= 8


@pytest.mark.parametrize("words", HOSTILE)
def test_tables_are_literal_on_any_console_of_rich(words: str) -> None:
    out = table((words,), title=words)
    out.add_row(words)
    assert shown(out, Console).count(visible(words)) == 3


@pytest.mark.parametrize("words", HOSTILE)
def test_a_text_made_by_hand_cannot_act_either(words: str) -> None:
    from rich.text import Text

    assert not _ACTS.search(shown(Text(words, style="bold")))


ASSAY = """\
id: hostile
title: {words}
experiment:
  days: 2
  conditions:
    control: {{cells: [cll], words: {words}}}
  readouts:
  - {{of: burden, words: {words}, to: control}}
"""


@pytest.mark.parametrize("words", HOSTILE)
def test_an_assay_is_shown_as_it_is_written(words: str, tmp_path: Path) -> None:
    import json

    file = tmp_path / "a.yaml"
    file.write_text(ASSAY.format(words=json.dumps(words)), encoding="utf-8")
    design = load_assay(file)
    for part in (condition_table(design), design.title or "", course_table({}, [])):  # type: ignore[arg-type]
        assert not _ACTS.search(shown(part))
    assert visible(words) in shown(condition_table(design))  # type: ignore[arg-type]


def test_every_table_of_the_package_comes_through_one_door() -> None:
    root = Path(screens.__file__).parents[1]
    for file in root.rglob("*.py"):
        text = file.read_text("utf-8")
        if file.name == "console.py":
            continue
        assert not re.search(r"\bTable\(|\bConsole\(|from_markup|rich\.print", text), file


def test_the_progress_bar_shows_words(monkeypatch: pytest.MonkeyPatch) -> None:
    from cereblon.cli.shared import progress_bar

    stream = io.StringIO()
    made = Screen(file=stream, width=120, force_terminal=True, highlight=False)
    monkeypatch.setattr(screens, "console", lambda stderr=False: made)
    with progress_bar("[/x]\x1b]0;owned\a") as move:
        move(1, 2, "[bold]words[/bold]\u202e")
    out = stream.getvalue()
    assert "[/x]\\x1b]0;owned\\x07: [bold]words[/bold]\\u202e" in out
    assert "\x1b]0" not in out
    assert "\a" not in out


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as stop:
            main(arguments)
        out, err = capsys.readouterr()
        return int(stop.value.code or 0), out + err

    return call


@pytest.mark.parametrize("word", ["\x1b]0;owned\a", "a\u202eb", "[/x]", "two\nlines"])
def test_names_in_errors_are_written_out(cli: Callable[..., Any], tmp_path: Path, word: str) -> None:
    for arguments in (
        ["run", word],
        ["run", f"{word}.yaml"],
        ["check", f"{word}.ant"],
        ["check", f"{word}.xyz"],
        ["assay", f"{word}.yaml"],
        ["claims", word],
        ["show", "model", word],
        ["show", word],
        ["run", "chen2011", "--arm", word],
        ["run", "chen2011", "--set", word],
        ["provenance", word],
        ["export", "sbml", f"no_folder/{word}"],
        [word],
        ["run", f"--{word}"],
    ):
        code, text = cli(*arguments)
        assert code == 2
        assert text.startswith("cereblon: ")
        assert text.count("\n") == 1
        assert not _ACTS.search(text.removesuffix("\n")), (arguments, text)


@pytest.mark.parametrize("word", ["\x1b]0;owned\a", "a\u202eb", "[/x]"])
def test_names_in_findings_are_written_out(cli: Callable[..., Any], tmp_path: Path, word: str) -> None:
    (tmp_path / f"{word.replace('/', '_')}.ant").write_text("x = = 1\n", encoding="utf-8")
    (tmp_path / "p.tsv").write_text(f"id\tvalue\tunit\t{word}\n", encoding="utf-8")
    (tmp_path / "t.yaml").write_text(f"id: {word!r}\n", encoding="utf-8")
    (tmp_path / "m.ant").write_text(f'x is "{word}"\nx = = 1\n', encoding="utf-8")
    for file in tmp_path.iterdir():
        code, text = cli("check", file.name)
        assert code == 2
        assert not _ACTS.search(text.replace("\n", "")), text


def test_an_error_is_one_printable_line_of_bounded_length() -> None:
    error = str(CereblonError("a\nb\x1b[31m\u202e " + "x" * 10_000))
    assert error.startswith("a b\\x1b[31m\\u202e xxx")
    assert len(error) == 4000
    assert printable("[/x]\u00a0y") == "[/x] y"


def test_an_escape_does_not_reach_a_pipe(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "cereblon.cli.main", "check", "no\x1b]0;owned\a.ant"]
    done = subprocess.run(command, capture_output=True, cwd=tmp_path, check=False)
    assert done.returncode == 2
    assert b"\x1b" not in done.stderr + done.stdout
    assert b"\\x1b]0;owned\\x07" in done.stderr


def test_the_page_writes_out_what_turns_the_direction_of_writing() -> None:
    words = "abc\u202egnp<b>x</b>"
    page = report_page(synthetic.study(20, design=hostile_trial(words)))
    own = re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
    assert "\u202e" not in own
    assert "abc\\u202egnp&lt;b&gt;x" in own
    assert "<b>x</b>" not in own
