"""The house has one direction: a room imports only rooms below it, and no two files import each other in a circle."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
from import_graph import SOURCE, imports, modules

FLOORS = (
    ("errors", "notice", "version"),
    ("arguments", "environment", "readings"),
    ("columns",),
    ("storage",),
    ("documents",),
    ("antimony",),
    ("model",),
    ("engine", "parameters"),
    ("patients",),
    ("clinic",),
    ("study",),
    ("outcomes",),
    ("evidence",),
    ("report",),
    ("result",),
    ("cli",),
    ("__main__",),
)
"""Rooms from the ground up; those of one floor do not import each other. The package's own face stands above all."""
LONGEST = 400  # lines
CLINIC = ("rules", "codes", "trial", "criteria", "site")
"""Within the clinic, from the ground up."""


def room(module: str) -> str:
    """Return the room of a module: the first name below the package."""
    return module.split(".")[1]


def test_every_room_has_a_floor() -> None:
    known = {name for floor in FLOORS for name in floor}
    assert {room(name) for name in modules() if "." in name} <= known


def test_no_import_goes_up() -> None:
    height = {name: level for level, floor in enumerate(FLOORS) for name in floor}
    wrong = [
        f"{module}:{line} imports {target}"
        for module, targets in imports().items()
        for target, line in targets.items()
        if "." in module and (target == "cereblon" or _up(room(module), room(target), height))
    ]
    assert not wrong


def _up(here: str, there: str, height: dict[str, int]) -> bool:
    return here != there and height[here] <= height[there]


def test_the_clinic_has_floors_of_its_own() -> None:
    height = {name: level for level, name in enumerate(CLINIC)}
    inside = {module: targets for module, targets in imports().items() if module.startswith("cereblon.clinic.")}
    wrong = [
        f"{module}:{line} imports {target}"
        for module, targets in inside.items()
        for target, line in targets.items()
        if target in inside and height[module.split(".")[2]] < height[target.split(".")[2]]
    ]
    assert not wrong


def test_no_circle() -> None:
    # the package's face hands names on, and is imported by nobody (see above)
    graph = {name: set(targets) for name, targets in imports().items() if name != "cereblon"}
    try:
        tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_no_file_is_too_long() -> None:
    lengths = {path.relative_to(SOURCE): len(path.read_text("utf-8").splitlines()) for path in modules().values()}
    assert not {str(path): lines for path, lines in lengths.items() if lines > LONGEST}


def test_what_the_checker_sees(tmp_path: Path) -> None:
    package = tmp_path / "cereblon"
    (package / "low").mkdir(parents=True)
    for name in ("__init__.py", "high.py", "low/__init__.py"):
        (package / name).write_text("")
    (package / "low" / "one.py").write_text(
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    from cereblon.high import thing\n"
        "def late():\n    from ..low import two\n"
        "NAME = 'cereblon.high'\n"
    )
    (package / "low" / "two.py").write_text("from . import one\n")
    found = imports(package)
    assert found["cereblon.low.one"] == {"cereblon.high": 3, "cereblon.low.two": 5}
    assert found["cereblon.low.two"] == {"cereblon.low.one": 1}
