"""What is quoted in Antimony text: the reader here and libAntimony agree, so that no word can hide a file."""

from pathlib import Path

import antimony
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cereblon.antimony.lexer import CLOCKS, TextError, normal, refuse_banned, statements, words
from cereblon.errors import CereblonError
from cereblon.model import load_model_text
from cereblon.model.compose import compose
from cereblon.model.documents import Document, index, whole_model

HIDDEN = 'x = 1\nx notes ```/*```\nend\nimport "{file}"\nmodel q()\ny = 1\n// */\n'
PIECES = (
    "/*", "*/", "//", "#", '"', '\\"', "\\", "\\\n", "```", "`", "\n", ";", " ", "x = 1", "x is ", "x notes ", "end",
    "model m()", 'import "canary.ant"', "y := 2", "*", "'", "é", "\r", "@", "(", ",",
)  # fmt: skip


def refused(text: str) -> str:
    """Why a text is not taken, or an empty string."""
    try:
        for statement in statements(words(normal(text))):
            refuse_banned(statement)
    except TextError as error:
        return str(error)
    return ""


def test_the_ban_on_files_cannot_be_passed_by_quoting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "SECRET.txt").write_text("root:x:0:0\n", encoding="utf-8")
    with pytest.raises(CereblonError, match=r"own\.ant:3: 'end' is not allowed here") as caught:
        load_model_text(HIDDEN.format(file="SECRET.txt"), name="own.ant")
    assert "root" not in str(caught.value)


@given(st.lists(st.sampled_from(PIECES), max_size=14))
@example(["x = 1", "\n", "x notes ", "```", "/*", "```", "\n", 'import "canary.ant"', "\n", "//", "*/"])
@example(["x is ", '"', "\\", '"', ";", "\n", 'import "canary.ant"', "\n", '"'])
@settings(max_examples=400, deadline=None)
def test_a_text_that_is_taken_opens_no_file(pieces: list[str]) -> None:
    text = "".join(pieces)
    if refused(text):
        return
    # libAntimony itself, without any guard, in a folder where the file would be looked for: it never asks for it
    antimony.clearPreviousLoads()
    failed = antimony.loadAntimonyString("model cereblon()\n" + normal(text) + "\nend\n") < 0
    try:
        said = antimony.getLastError() if failed else ""
    except UnicodeDecodeError as error:
        said = error.object.decode(errors="replace")
    assert "canary" not in said
    assert failed or antimony.getNumModules() <= 2


def test_the_canary_is_seen_where_the_text_is_not_refused() -> None:
    # the property above would hold for a library that says nothing: it does say so
    antimony.clearPreviousLoads()
    assert antimony.loadAntimonyString('import "canary.ant"\n') < 0
    assert "canary" in antimony.getLastError()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("é", "line 1: unknown character 'é'"),
        ("x = 1\ny = ½\n", "line 2: unknown character '½'"),
        ('x = 1\nx is "open\n', "line 2: a quote"),
        ("x = 1 /* open\n\n", "line 1: a comment"),
        ("x notes ```open\n\n", "line 1: text in ```"),
        ("x = 1\n\x1b[31m", r"line 2: control character \x1b"),
        ("x = 1\x00", r"line 1: control character \x00"),
        ("x = 1\ny \\ = 2", ""),
        ("y\\z = 2", "line 1: unknown character"),
        ('x = 1; import "a"', "'import' is not allowed"),
        ("x = 1 \\\n; import", "line 2: 'import' is not allowed"),
        ('IMPORT "a"', "'IMPORT' is not allowed"),
        ("Import = 1; At = 2; END := At", ""),
        ("x := 1; E1: at (x > 1): x = 3", "'at' is not allowed"),
        ("E1: @(x > 1): x = 3", "'@' is not allowed"),
        ("0 = x + y", "an algebraic rule is not supported"),
        ("c1: 0 = x + y", "an algebraic rule is not supported"),
        ("x < 1", "a constraint is not supported"),
        ("i: a -| b", "'i' is no reaction"),
        ("A: other()", "'A' is no reaction"),
        ("die: a => ; k*(a < 1)", ""),
        ("x := piecewise(1, y < 2, 0)", ""),
        ('x notes "import"; y notes ```import\nend```', ""),
        ("x = 1 # import\n// end\n/* model\nend */ ; y = 2", ""),
        ('model notes "about all of it"', ""),
        ('x identity "a",\n  "b"', ""),
        ("x = " + "(" * 101, "more than 100 parentheses"),
        ("x = " + "+".join("1" * 600), "more than 1,000 words"),
        ("x" * 20_001, "line 1: a line of 20,001 characters"),
        ("x;\n" * 400_000, "longer than 1,000,000 bytes"),
        ("x;" * 9_999 + "\n" + "x;" * 9_999 + "\nx;x;x;", "more than 20,000 statements"),
    ],
)
def test_each_refusal_names_its_line(text: str, expected: str) -> None:
    found = refused(text)
    assert expected in found if expected else found == ""
    assert len(found) < 300


def test_line_ends_and_marks_of_other_systems_are_taken() -> None:
    assert normal("\ufeffx = 1\r\ny = 2\rz = 3\n") == "x = 1\ny = 2\nz = 3\n"
    model = load_model_text("\ufeffx' = -k*x\r\nx = 1\rk = 2\n")
    assert model.states == ("x",)
    assert model.parameters["k"].value == 2.0


def test_places_and_clocks_are_those_of_the_lines() -> None:
    text = "// clock: fast\nx' = 1; y := 2 // clock: slow\n/* clock: none */\nz = 3\nlong = 1 \\\n + 2\nr: a => ; k*a\n"
    found = index([Document("d", text)])
    assert {k: (p.line, p.clock) for k, p in (found.rates | found.rules).items()} == {
        "x": (2, "slow"),
        "y": (2, "slow"),
    }
    assert (found.starts["z"].clock, found.starts["long"].line, found.reactions["r"].line) == ("none", 5, 7)


@pytest.mark.parametrize(
    ("comment", "expected"),
    [
        ("// clock: fsat", "d:1: clock 'fsat'; expected one of fast, slow, none; nearest: fast"),
        ("# clock: Fast", "clock 'Fast'; expected one of fast, slow, none; nearest: fast"),
        ("// clock:", "clock ''; expected one of"),
        ("// clcok: fast", "'clcok' and 'fast'; expected 'clock: fast'"),
        ("// Clock: slow", "expected 'clock: slow'"),
        ("// clock fast", "expected 'clock: fast'"),
        ("// clock = none", "expected 'clock: none'"),
    ],
)
def test_a_misspelt_clock_is_refused(comment: str, expected: str) -> None:
    with pytest.raises(CereblonError) as caught:
        index([Document("d", f"{comment}\nx' = 1; x = 1\n")])
    assert expected in str(caught.value)


def test_every_clock_and_any_other_comment_is_taken() -> None:
    for words_of in (*(f"// clock: {clock}" for clock in CLOCKS), "// the circadian clock: genes", "// slow", "# fast"):
        index([Document("d", f"{words_of}\nx = 1\n")])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("model m()\nx = 1\n", "own:1: 'model' without 'end'"),
        ("// about\n\nmodule m\nx = 1\n// end\n", "own:3: 'model' without 'end'"),
        ("model m()\nx = 1\nend\nmodel n()\nend\n", "own:4: 'model' after the 'end' of the model"),
        ("model m()\nend\nx = 1\n", "own:3: 'x' after the 'end' of the model"),
        ('model m()\nend\nm is "x", x\n', "own:3: 'm' after the 'end'"),
        ("model\nx = 1\nend\n", "own:1: 'model' without a name"),
        ("model *(a)\nend\n", "own:1: 'model' without a name"),
        ("model m(a, b\nx = 1\nend", "own:1: 'model' without the closing )"),
    ],
)
def test_a_model_that_is_not_whole_is_refused_by_line(text: str, expected: str) -> None:
    with pytest.raises(CereblonError) as caught:
        whole_model(text, "own")
    assert expected in str(caught.value)


def test_what_describes_the_whole_model_is_taken_off() -> None:
    text = 'model *m(x)  // mine\nx = 1; end; m is "mine"\nm taxon "a",\n "b"\nm.sboTerm = 62\n/* end */\n'
    body = whole_model(text, "own").text
    assert body.split() == ["//", "mine", "x", "=", "1;"]
    assert body.count("\n") == text.count("\n")


def test_the_packaged_text_is_far_inside_the_limits() -> None:
    for document in compose(None).documents:
        assert refused(document.text) == ""
    assert sum(len(d.text) for d in compose(None).documents) < 500_000
