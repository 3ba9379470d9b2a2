"""Cases of the fuzzer: files and the command lines on them, all of it decided by (seed, number)."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from random import Random
from typing import Any

import fuzz_mutations as mutate
from fuzz_values import NUMBERS, WORDS

KINDS = ("trial", "assay", "table", "model", "claim", "command")
SHARES = (8, 3, 3, 4, 2, 4)
"""How often each kind comes."""
SMALL = """\
id: x
title: T
setting: untreated
criteria: iwCLL 2008
nodes_by: palpation
population:
  size: 4
  age: {median: 65}
arms:
- {id: A, name: n, size: 4, treatment: [{drug: lenalidomide, dose: 5 mg, days: 1-21}]}
follow_up: {duration_months: 1}
"""
MODEL = """\
model m()
  unit per_day = 1 / 86400 second
  // clock: slow
  x' = -k*x + births
  y := x^2 / (1 + x^2)
  births := 0.5*k
  x = 10
  k = 0.1
end
"""
ASSAY_DAYS = 3
"""Days of the assays that are mutated; the mutation may change them."""


@dataclass(frozen=True)
class Case:
    """Files to write, the first command line, and those that must succeed when it does (`run` after `check`)."""

    number: int
    kind: str
    files: dict[str, bytes]
    command: tuple[str, ...]
    then: tuple[tuple[str, ...], ...] = ()
    targets: tuple[str, ...] = field(default=())
    """What the command lines may write; nothing else may appear or change."""


def make_case(seed: int, number: int, kind: str | None = None) -> Case:
    """Return the case with this number, the same for the same seed."""
    source = Random(f"{seed} {number}")
    drawn = source.choices(KINDS, SHARES)[0]
    return _MAKERS[kind or drawn](number, source)


def _trial(number: int, source: Random) -> Case:
    content = mutate.document(source.choice(_trials()), _trial_schema(), source)
    run = ("run", "t.yaml", "-n", "2", "--seed", str(source.randrange(1, 99)), "--out", "out")
    return Case(number, "trial", {"t.yaml": content}, ("check", "t.yaml"), (run, ("show", "trial", "t.yaml")), ("out",))


def _assay(number: int, source: Random) -> Case:
    content = mutate.document(source.choice(_assays()), _assay_schema(), source)
    return Case(
        number, "assay", {"a.yaml": content}, ("assay", "a.yaml", "-n", "8", "--out", "a.csv"), targets=("a.csv",)
    )


def _table(number: int, source: Random) -> Case:
    lines = files("cereblon").joinpath("biology", "patient", "parameters.tsv").read_text("utf-8").splitlines()
    rows = [lines[0], *source.sample(lines[1:], 5)]
    return Case(number, "table", {"p.tsv": mutate.table("\n".join(rows), source)}, ("check", "p.tsv"))


def _model(number: int, source: Random) -> Case:
    names = ("humoral.ant", "tumour_lysis.ant", "neutrophils.ant")
    packaged = [files("cereblon").joinpath("biology", "patient", name).read_text("utf-8") for name in names]
    content = mutate.model(source.choice((MODEL, MODEL, *packaged)), source)
    secret = b"hunter2 is the secret\n"
    return Case(number, "model", {"m.ant": content, "other.ant": secret}, ("check", "m.ant"))


def _claim(number: int, source: Random) -> Case:
    content = mutate.document(source.choice(_claims()), _claim_schema(), source)
    return Case(number, "claim", {"c.yaml": content}, ("read claims", "c.yaml"))


CHEAP = (
    ("trials",), ("show", "model", "alc"), ("show", "parameter", "len_ktr"), ("show", "trial", "badoux2011"),
    ("check", "t.yaml"),
    ("check", "p.tsv"), ("export", "sbml", "m.xml"), ("export", "graph", "g.graphml"), ("new", "n.yaml"), ("assay",
    "--new", "a.yaml"),
    ("provenance", "len_ktr"), ("run", "t.yaml", "-n", "2", "--out", "out"), ("--version",), ("run", "--help"),
)  # fmt: skip
COSTLY = (("reproduce", "-n", "1"), ("claims", "crbn_binding", "-n", "8"), ("claims",), ("run", "badoux2011"))
"""Command lines that only come with a mistake in them: right, they take minutes."""
OPTIONS = (
    "--patients", "-n", "--seed", "-s", "--arm", "--out", "--set", "--knockout", "--json", "--members", "--help",
    "--version",
    "--jsno", "-x", "--", "--new", "--twins", "--force",
)  # fmt: skip
VALUES = (
    "0", "-1", "8", "4", "1e3", "999999999999999999999", "nan", "A", "slow", "len", "len_clearance_scale=0.8",
    "len_ktr=0", "a=b",
    "=", "x==1", "len_ktr=1e400", "crbn_binding", "badoux2011", "t.yaml", "none.yaml", ".", "..", "/", "/dev/null",
    "/proc/x", "",
    "nofolder/x.xml", "p.tsv", "-", "out", "model", "trial", "a" * 300, "m.xml", "x.cx2", "t.yaml/x", "~", "*", "$(id)",
)  # fmt: skip
MISTAKES = (
    ("--patients", "0"),
    ("--members", "1"),
    ("--seed", "-1"),
    ("--no-such-option",),
    ("-n", "many"),
    ("a", "b", "c", "d"),
)


def _command(number: int, source: Random) -> Case:
    words = list(source.choice(CHEAP))
    if source.random() < 0.2:
        words = [*source.choice(COSTLY), *source.choice(MISTAKES)]
    else:
        for _ in range(source.choice((0, 1, 1, 2, 3))):
            word = source.choice(
                (*OPTIONS, *VALUES, source.choice(WORDS).replace("\0", ""), str(source.choice(NUMBERS)))
            )
            place = source.randrange(1, len(words) + 1)
            if source.random() < 0.6 or len(words) < 2:
                words[place:place] = [word]
            elif words[place - 1] not in ("-n", "2"):  # no run of 500 patients by accident
                words[place - 1 : place] = [word]
    if words[0] == "run" and "-n" not in words:
        words += ["-n", "2"]
    header = files("cereblon").joinpath("biology", "patient", "parameters.tsv").read_text("utf-8").splitlines()[:3]
    given = {"t.yaml": SMALL.encode(), "p.tsv": "\n".join(header).encode(), "full/keep.txt": b"precious"}
    return Case(number, "command", given, tuple(words), targets=("*",))


_MAKERS: dict[str, Callable[[int, Random], Case]] = {
    "trial": _trial, "assay": _assay, "table": _table, "model": _model, "claim": _claim, "command": _command,
}  # fmt: skip


@cache
def _plain(text: str) -> Any:
    from cereblon.documents.yamltext import read_yaml

    return read_yaml(text, "base.yaml").data


@cache
def _trials() -> list[Any]:
    """Return the registry, the template and a small trial, followed up for a month each so that runs are short."""
    folder = files("cereblon") / "trials"
    texts = [entry.read_text("utf-8") for entry in sorted(folder.iterdir(), key=str) if entry.name.endswith(".yaml")]
    return [{**_plain(text), "follow_up": {"duration_months": 1}} for text in (SMALL, SMALL, *texts)]


@cache
def _assays() -> list[Any]:
    from cereblon.evidence.assay import template

    base = _plain(template("a.yaml"))
    base["experiment"]["days"] = ASSAY_DAYS
    patient = json.loads(json.dumps(base))
    patient["experiment"]["conditions"] = {
        "control": {},
        "lenalidomide": {
            "doses": [{"drug": "lenalidomide", "amount": 10}],
            "clamp": {"pd_l1": 0},
            "set": {"len_ktr": 4},
        },
    }
    patient["experiment"]["readouts"] = patient["experiment"]["readouts"][::2]
    return [base, patient]


@cache
def _claims() -> list[Any]:
    found = []
    for group in ("microenvironment", "drug", "clinic"):
        text = files("cereblon").joinpath("biology", "claims", f"{group}.yaml").read_text("utf-8")
        every = _plain(text)["claims"]
        found += [{"claims": every[start : start + 2]} for start in range(0, len(every), 2)]
    return found


@cache
def _trial_schema() -> dict[str, Any]:
    from cereblon.clinic.trial.load import json_schema

    return json_schema()


@cache
def _assay_schema() -> dict[str, Any]:
    from cereblon.evidence.schema import Assay

    return Assay.model_json_schema()


@cache
def _claim_schema() -> dict[str, Any]:
    from cereblon.evidence.schema import Claims

    return Claims.model_json_schema()
