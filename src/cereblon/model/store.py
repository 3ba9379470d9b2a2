"""A read model kept in the user's cache folder, so that later starts need neither Antimony nor libSBML.

The file is JSON, below a line with its hash, under a name that hashes everything it was made from: documents,
parameters, the code of this package, the versions of the two libraries. A file that is damaged or from elsewhere is
ignored and written anew.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from typing import Any

from cereblon.storage import cache

from .classify import Plan
from .expr import COMPARISONS, FUNCTIONS, LOGICAL, Expr, nodes, raw
from .system import Reaction, System, Words

_OPERATIONS = frozenset(
    {"num", "sym", "add", "mul", "div", "ipow", "pow", "piecewise", "min", "max", *COMPARISONS, *LOGICAL, *FUNCTIONS}
)


def store_name(fingerprint: str) -> str:
    """Return the name of the model with this fingerprint, for the code and libraries as they are now."""
    mark = sha256(f"{fingerprint} {_code()}".encode()).hexdigest()[:24]
    return f"model-{mark}.json"


@lru_cache(maxsize=1)
def _code() -> str:
    digest = sha256()
    for package in (__package__, "cereblon.antimony"):
        for entry in sorted(files(package).iterdir(), key=lambda e: e.name):
            if entry.name.endswith(".py"):
                digest.update(entry.read_bytes())
    for library in ("antimony", "python-libsbml"):
        with suppress(PackageNotFoundError):
            digest.update(f"{library} {version(library)}".encode())
    return digest.hexdigest()


def kept(fingerprint: str) -> tuple[System, Plan] | None:
    """Return the stored model, or None if there is none that can be read."""
    content = cache.read_kept(store_name(fingerprint))
    if content is None:
        return None
    try:
        return _restored(json.loads(content))
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError):
        return None


def keep(fingerprint: str, system: System, plan: Plan) -> None:
    """Store a model; a folder that cannot be written is no error."""
    cache.keep(store_name(fingerprint), json.dumps(_plain(system, plan)).encode())


def _plain(system: System, plan: Plan) -> dict[str, Any]:
    tables = {**{f"system.{k}": getattr(system, k) for k in ("rates", "rules", "derived", "starts")}}
    tables |= {f"plan.{k}": getattr(plan, k) for k in ("source", "loss", "rates", "own")}
    laws = {r.id: r.rate for r in system.reactions.values()}
    roots = [e for table in (*tables.values(), laws, plan.transfer) for e in table.values()]
    number: dict[Expr, int] = {}
    listed: list[list[Any]] = []
    for e in nodes(*roots):
        number[e] = len(listed)
        listed.append([e.op, e.value, [number[a] for a in e.args]])
    return {
        "nodes": listed,
        "tables": {key: {k: number[e] for k, e in table.items()} for key, table in tables.items()},
        "transfer": [[i, j, number[e]] for (i, j), e in plan.transfer.items()],
        "reactions": [[r.id, r.reactants, r.products, number[r.rate]] for r in system.reactions.values()],
        "constants": system.constants,
        "units": system.units,
        "words": {k: [w.claims, w.sources, w.says, w.identity, w.place] for k, w in system.words.items()},
        "plan": {k: getattr(plan, k) for k in ("linear", "relaxing", "slow", "signals")},
    }


def _restored(plain: Mapping[str, Any]) -> tuple[System, Plan]:
    made: list[Expr] = []
    for op, value, args in plain["nodes"]:
        if op not in _OPERATIONS:
            raise ValueError(op)
        made.append(raw(op, value, tuple([made[i] for i in args])))
    tables = {key: {k: made[i] for k, i in table.items()} for key, table in plain["tables"].items()}

    def part(prefix: str) -> dict[str, Any]:
        return {key.partition(".")[2]: table for key, table in tables.items() if key.startswith(prefix)}

    system = System(
        **part("system."),
        reactions={i: Reaction(i, used, formed, made[e]) for i, used, formed, e in plain["reactions"]},
        constants=plain["constants"],
        units=plain["units"],
        words={k: Words(tuple(c), tuple(s), t, tuple(i), tuple(p)) for k, (c, s, t, i, p) in plain["words"].items()},
    )
    sorts: dict[str, Any] = {k: tuple(v) for k, v in plain["plan"].items()}
    plan = Plan(**part("plan."), **sorts, transfer={(i, j): made[e] for i, j, e in plain["transfer"]})
    return system, plan
