"""Imports of the package, read from its syntax trees: also those under TYPE_CHECKING, inside functions and by name."""

from __future__ import annotations

import ast
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src" / "cereblon"


def module_name(path: Path, source: Path = SOURCE) -> str:
    """Return the dotted name of a file of the package, `cereblon` for its __init__."""
    parts = [source.name, *path.relative_to(source).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def modules(source: Path = SOURCE) -> dict[str, Path]:
    """Return every module of the package with its file."""
    return {module_name(path, source): path for path in sorted(source.rglob("*.py"))}


def imports(source: Path = SOURCE) -> dict[str, dict[str, int]]:
    """Return for each module the modules of the package that it names, with the line of the first naming."""
    files = modules(source)
    return {name: _imports(name, path, files) for name, path in files.items()}


def _imports(name: str, path: Path, files: dict[str, Path]) -> dict[str, int]:
    found: dict[str, int] = {}
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        for target in _targets(node, package, files):
            if target != name:
                found.setdefault(target, getattr(node, "lineno", 0))
    return found


def _targets(node: ast.AST, package: str, files: dict[str, Path]) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names if alias.name in files]
    if isinstance(node, ast.ImportFrom):
        base = node.module or ""
        if node.level:
            parts = package.split(".")
            base = ".".join([*parts[: len(parts) - node.level + 1], *([node.module] if node.module else [])])
        within = [f"{base}.{alias.name}" for alias in node.names if f"{base}.{alias.name}" in files]
        rest = len(within) < len(node.names)
        return [*within, *([base] if rest and base in files else [])]
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in files:
        return [node.value] if "." in node.value else []
    return []
