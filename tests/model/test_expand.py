"""Blocks of text written out for each clone or cell: plain Antimony, with the lines of the file."""

from __future__ import annotations

import pytest

from cereblon.model.compose import patient_documents
from cereblon.model.documents import Document, DocumentError, index
from cereblon.model.expand import expanded, templated

BLOCK = """// head
// each clone: "", _resistant
a{clone} = 1; a{clone} has gcell
shared = 2
loss{clone}: a{clone} => ; k*a{clone}
loss{clone} notes "says: lost"

b = 3
"""


def test_a_block_is_written_out_once_for_each_word() -> None:
    made = expanded(Document("x.ant", BLOCK))
    assert made.text.split("\n")[2:9] == [
        "a = 1; a has gcell", "shared = 2", "loss: a => ; k*a", 'loss notes "says: lost"',
        "a_resistant = 1; a_resistant has gcell", "loss_resistant: a_resistant => ; k*a_resistant",
        'loss_resistant notes "says: lost"',
    ]  # fmt: skip
    found = index([made])
    assert (found.starts["a"].line, found.starts["a_resistant"].line, found.starts["b"].line) == (3, 3, 8)
    assert found.reactions["loss_resistant"].line == 5


def test_a_text_without_each_stays_as_it_is() -> None:
    plain = Document("x.ant", "a = 1\n")
    assert expanded(plain) is plain


def test_words_of_cells() -> None:
    made = expanded(Document("x.ant", "// each cell: t, cll\nx_{cell}' = -k*x_{cell}\nx_{cell} = 1"))
    assert list(index([made]).rates) == ["x_t", "x_cll"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("// each clone _a, _b\nx{clone} = 1", "x.ant:1: expected a form such as"),
        ("// each clone:\nx{clone} = 1", "x.ant:1: expected a form"),
        ("// each clone: a; import\nx{clone} = 1", "x.ant:1: expected a form"),
        ("// each clone: _a\nx{clone} = 1", "x.ant:1: each clone: expected 2 to 50 different words"),
        ("// each clone: _a, _a\nx{clone} = 1", "different words"),
        ("// each clone: _a, _b\nx{colne} = 1", "x.ant:2: {colne} is no word of this each; nearest: clone"),
        ("// each clone: _a, _b\nx = 1\n\ny{clone} = 1", "x.ant:1: {clone} stands nowhere in the block below"),
        ("// each a: _a, _b\n// each b: c, d\nx{a} = 1", "x.ant:2: each inside the each of line 1"),
    ],
)
def test_blocks_of_another_form_are_refused(text: str, words: str) -> None:
    with pytest.raises(DocumentError, match=words):
        expanded(Document("x.ant", text))


def test_a_text_that_becomes_too_long_is_refused() -> None:
    words = ", ".join(f"w{i}" for i in range(50))
    text = f"// each w: {words}\n" + "x{w} = 1 // " + "y" * 19_000 + "\nz{w} = 1 // " + "y" * 19_000
    with pytest.raises(DocumentError, match=r"longer than 1,000,000 characters when written out"):
        expanded(Document("x.ant", text))


def test_a_name_defined_twice_by_each_has_the_line_of_the_file() -> None:
    made = expanded(Document("x.ant", "\n// each w: a, b\nx{w} = 1\n\nxb = 2\n"))
    with pytest.raises(DocumentError, match=r"x.ant:5: 'xb' is already defined at x.ant:3"):
        index([made])


def test_a_template_takes_the_prefix() -> None:
    text = templated(Document("oral.ant", "DRUG_gut' = -DRUG_ka*DRUG_gut // MYDRUG_x"), "mad").text
    assert text == "mad_gut' = -mad_ka*mad_gut // MYDRUG_x"


def test_both_clones_have_the_same_reactions() -> None:
    found = index(list(patient_documents()))
    resistant = {name.removesuffix("_resistant") for name in found.reactions if name.endswith("_resistant")}
    assert len(resistant) == 23
    assert resistant <= set(found.reactions)
