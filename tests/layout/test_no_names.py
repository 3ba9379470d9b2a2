"""No name of a drug stands in the code, and none of a state or reaction but those of readings.tsv: they are documents.

Read from the syntax trees: identifiers, attributes and text count; docstrings and comments are free.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest
from import_graph import SOURCE, modules

from cereblon.model import drug_cards, load_model
from cereblon.readings import readings

SHORTEST = 4  # letters that a text with gaps needs to stand for a name
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@pytest.fixture(scope="module")
def drugs() -> frozenset[str]:
    return frozenset(drug_cards())


@pytest.fixture(scope="module")
def biology() -> frozenset[str]:
    model = load_model()
    assert {card.name for card in model.drugs} == set(drug_cards())
    return frozenset({*model.states, *model.system.reactions} - {row.quantity for row in readings()})


def test_no_drug_state_or_reaction_is_named(drugs: frozenset[str], biology: frozenset[str]) -> None:
    assert len(biology) > 100
    assert [
        f"{path.relative_to(SOURCE)}:{line}: {name}"
        for path in modules().values()
        for line, name in named(path.read_text("utf-8"), drugs, biology)
    ] == []


def named(text: str, drugs: frozenset[str], biology: frozenset[str]) -> Iterator[tuple[int, str]]:
    """Yield line and name wherever the code of a file names a drug (as a part of a word too), a state or a reaction."""
    tree = ast.parse(text)
    free = _docstrings(tree)
    drug = re.compile("|".join(map(re.escape, sorted(drugs))), re.IGNORECASE)
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        for word in () if id(node) in free else _texts(node):
            found = [*drug.findall(word), *(name for name in _WORD.findall(word) if name in biology)]
            yield from ((line, name) for name in found)
        if isinstance(node, ast.JoinedStr):
            yield from ((line, name) for name in _assembled(node, biology))


def _docstrings(tree: ast.AST) -> set[int]:
    """Text that stands alone, of a module, class or function, or below an attribute."""
    alone = (node.value for node in ast.walk(tree) if isinstance(node, ast.Expr))
    return {id(value) for value in alone if isinstance(value, ast.Constant) and isinstance(value.value, str)}


def _texts(node: ast.AST) -> Iterator[str]:
    """Every name and text that a node holds itself: identifiers of any kind, or a constant."""
    for _, value in ast.iter_fields(node):
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, str):
                yield one


def _assembled(node: ast.JoinedStr, biology: frozenset[str]) -> Iterator[str]:
    """The first of several names that a text with gaps may stand for, such as death_{tissue}; one alone is chance."""
    parts = [part.value if isinstance(part, ast.Constant) else None for part in node.values]
    if sum(len(part) for part in parts if part) < SHORTEST:
        return
    pattern = re.compile("".join("[A-Za-z0-9_]+" if part is None else re.escape(str(part)) for part in parts))
    found = sorted(name for name in biology if pattern.fullmatch(name))
    yield from found[: len(found) > 1]


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ('"""lenalidomide."""\n# len_gut\nx = 1\n"""len_gut"""', []),
        ('x = "len_gut"', [(1, "len_gut")]),
        ("def f(nurse_like): ...", [(1, "nurse_like")]),
        ("LENALIDOMIDE = 1", [(1, "LENALIDOMIDE")]),
        ("x.len_gut = y(len_gut=1)", [(1, "len_gut"), (1, "len_gut")]),
        ('x = f"{how}_node_{kind}"', [(1, "cll_node_dividing")]),
        ('x = f"of {n}: lenalidomide_{n}"', [(1, "lenalidomide")]),
        ('x = "platelets"\ndef f():\n    """th1."""\n    return th1', [(4, "th1")]),
        ("from a import th1 as b", [(1, "th1")]),
    ],
)
def test_what_the_checker_sees(
    code: str, found: list[tuple[int, str]], drugs: frozenset[str], biology: frozenset[str]
) -> None:
    assert sorted(named(code, drugs, biology)) == found


def test_an_expected_name_is_known(biology: frozenset[str]) -> None:
    assert {"len_gut", "nurse_like", "death_blood", "th1"} <= biology
    assert "platelets" not in biology
