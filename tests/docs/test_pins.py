"""The two lists of pinned packages are closed: whatever a pinned package asks for is itself pinned.

Both README commands install the lists with ``--no-deps``, so no release that is still to come can change what they do.
What pip then no longer looks up is looked up here: every requirement, with the extras that it asks for.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from importlib.metadata import requires, version
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
NEEDED = PROJECT["build-system"]["requires"] + PROJECT["project"]["dependencies"]
EXTRAS = PROJECT["project"]["optional-dependencies"]


def pinned(*names: str) -> dict[str, str]:
    text = "".join((ROOT / name).read_text("utf-8") for name in names)
    return {canonicalize_name(name): at for name, at in re.findall(r"^([\w.-]+)==(\S+)", text, re.MULTILINE)}


RUN = pinned("constraints.txt")
TEST = RUN | pinned("constraints-test.txt")


def missing(wanted: list[str], pins: Mapping[str, str]) -> set[str]:
    """What `wanted` needs, itself and through others, that is not pinned or pinned at a version that does not fit."""
    found: set[str] = set()
    seen: set[tuple[str, str]] = set()
    todo = [Requirement(line) for line in wanted]
    while todo:
        one = todo.pop()
        name = canonicalize_name(one.name)
        if name not in pins or not one.specifier.contains(pins[name], prereleases=True):
            found.add(str(one))
            continue
        for extra in ("", *one.extras):
            if (name, extra) in seen:
                continue
            seen.add((name, extra))
            parts = [Requirement(line) for line in requires(name) or ()]
            todo += [part for part in parts if part.marker is None or part.marker.evaluate({"extra": extra})]
    return found


def test_what_a_run_needs_is_closed() -> None:
    assert missing(NEEDED, RUN) == set()


def test_what_the_tests_and_docs_need_is_closed() -> None:
    assert missing(NEEDED + EXTRAS["test"] + EXTRAS["docs"] + EXTRAS["graph"], TEST) == set()


def test_no_line_can_be_taken_out() -> None:
    """Nothing is pinned in vain either: without any one line the list is no longer closed."""
    for name in TEST:
        without = {other: at for other, at in TEST.items() if other != name}
        assert missing(NEEDED + EXTRAS["test"] + EXTRAS["docs"], without), name


def test_the_installed_versions_are_the_pinned_ones() -> None:
    assert {name: version(name) for name in TEST} == TEST


def test_an_extra_is_followed() -> None:
    """The fault that this test was written for: a package asked for with an extra brings further packages."""
    asks = next(line for line in requires("bioregistry") or () if line.startswith("pydantic[email]"))
    assert "email-validator" in {canonicalize_name(Requirement(line).name) for line in requires("pydantic") or ()}
    assert missing([asks], {name: at for name, at in TEST.items() if name != "email-validator"})
