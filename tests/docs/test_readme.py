"""The README's two commands are the ones that CI runs, and its links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text("utf-8")
COMMANDS = re.findall(r"```bash\n(.+?)\n```", README, re.DOTALL)


def test_there_are_two_commands_of_one_line() -> None:
    assert len(COMMANDS) == 2
    assert all("\n" not in command for command in COMMANDS)
    assert COMMANDS[0].endswith("cereblon run badoux2011")
    assert "pytest" in COMMANDS[1]


@pytest.mark.parametrize("command", COMMANDS)
def test_ci_runs_the_command_word_for_word(command: str) -> None:
    lines = (ROOT / ".ci" / "run").read_text("utf-8").splitlines()
    assert command in lines
    assert lines[lines.index(command) + 1] == "} || exit 1"  # or a failure inside the chain would pass


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\(([\w./-]+)\)", README))))
def test_links_lead_to_files(target: str) -> None:
    assert (ROOT / target).exists()


@pytest.mark.parametrize("name", ["constraints.txt", "constraints-test.txt"])
def test_every_pin_has_a_hash_and_no_address(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    pins = re.findall(r"^[\w.-]+==\S+ \\$", text, re.MULTILINE)
    assert len(pins) == len(re.findall(r"^    --hash=sha256:[0-9a-f]{64}$", text, re.MULTILINE)) > 20
    assert "://" not in text
    assert "index" not in text


def test_pins_cover_what_the_package_asks_for() -> None:
    import tomllib

    document = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    project = document["project"]
    run = (ROOT / "constraints.txt").read_text("utf-8")
    test = run + (ROOT / "constraints-test.txt").read_text("utf-8")
    extras = project["optional-dependencies"]

    def names(requirements: list[str]) -> set[str]:
        found = (re.match(r"[\w.-]+", line) for line in requirements)
        return {re.sub(r"[-_.]+", "-", match[0]).lower() for match in found if match}

    def pinned(text: str) -> set[str]:
        return set(re.findall(r"^([\w.-]+)==", text, re.MULTILINE))

    assert names(project["dependencies"] + document["build-system"]["requires"]) <= pinned(run)
    assert names(extras["test"] + extras["docs"]) <= pinned(test)
