"""Every public name says what it is, and the names of the package have their place in the reference."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
import typer.main

import cereblon
from cereblon.cli.commands import app

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "cereblon"
DOCS = ROOT / "docs"
MODULES = sorted(SOURCE.rglob("*.py"))


def undocumented(tree: ast.Module) -> list[str]:
    """Return the public modules, classes, functions and methods of a syntax tree that have no docstring."""
    missing = [] if ast.get_docstring(tree) else ["module"]

    def visit(body: list[ast.stmt], path: str) -> None:
        for node in body:
            if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            if node.name.startswith("_"):
                continue
            overload = any(ast.unparse(d).endswith("overload") for d in node.decorator_list)
            if not ast.get_docstring(node) and not overload:
                missing.append(path + node.name)
            if isinstance(node, ast.ClassDef):
                visit(node.body, f"{path}{node.name}.")

    visit(tree.body, "")
    return missing


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_public_names_have_a_docstring(path: Path) -> None:
    assert undocumented(ast.parse(path.read_text("utf-8"))) == []


def test_a_name_without_docstring_is_found() -> None:
    text = '"""Module."""\nclass A:\n    """A."""\n    def b(self): ...\ndef _c(): ...\ndef d(): ...\n'
    assert undocumented(ast.parse(text)) == ["A.b", "d"]


@pytest.mark.parametrize("name", cereblon.__all__)
def test_names_of_the_package_are_in_the_reference(name: str) -> None:
    page = (DOCS / "reference" / "python.md").read_text("utf-8")
    assert re.search(rf"\bcereblon\.{name}\b", page), f"docs/reference/python.md lacks {name}"
    assert getattr(cereblon, name) is not None


def commands(command: object, path: tuple[str, ...] = ()) -> list[tuple[str, object]]:
    """Return every command of the command line with its full name."""
    found = [(" ".join(path), command)]
    for name, inner in getattr(command, "commands", {}).items():
        found += commands(inner, (*path, name))
    return found


@pytest.mark.parametrize(("name", "command"), commands(typer.main.get_command(app)))
def test_commands_and_options_have_help(name: str, command: object) -> None:
    assert command.help, f"cereblon {name} has no help"  # type: ignore[attr-defined]
    without = [p.name for p in command.params if not getattr(p, "help", None)]  # type: ignore[attr-defined]
    assert without == []


@pytest.mark.parametrize("name", [name for name, _ in commands(typer.main.get_command(app)) if name])
def test_commands_are_shown_in_the_guide(name: str) -> None:
    group = any(other.startswith(name + " ") for other, _ in commands(typer.main.get_command(app)))
    guide = "\n".join(page.read_text("utf-8") for page in DOCS.glob("*.md"))
    guide += "\n".join(page.read_text("utf-8") for page in (DOCS / "howto").glob("*.md"))
    assert group or f"$ cereblon {name}" in guide, f"no page of the guide runs cereblon {name}"
