"""Values that break readers: extreme numbers, wrong kinds, words that act on a terminal, samples of a JSON Schema."""

from __future__ import annotations

from random import Random
from typing import Any

NUMBERS: tuple[Any, ...] = (
    0, -1, 1, 2, 3, 7, 10**9, -(10**9), 10**18, 0.0, -0.0, 0.5, 1e-9, 1e-300, 1e300, 99.9, 100, 100.1, 3650, 3651,
    100_000,
    100_001, 10**40,
)  # fmt: skip
WORDS: tuple[str, ...] = (
    "", " ", "[/x]", "[bold]x", "[link=http://evil.example]click[/link]", "dose [10] and [a] group", "\x1b]0;owned\a",
    "\x1b[31mred", "\x1b[2J", "\x9b31m", "\x00", "\x7f", "\u202egnp.exe", "\u200b", "μ", "日本語", "😀", "a" * 5000,
    "nan", "inf", "1e309", "-1", "null", "~", "yes", "2026-01-01", "0x10", "{x}", "%s", "${HOME}", "`id`", "../../etc",
    "/etc/passwd", "!!python/name:os.system", "<script>alert(1)</script>", "a\nb", "a\r\nb", "\t", "'", '"', "\\",
    "5 kg", "5 mg/m2", "five mg", "5", "-5 mg", "0 mg", "1e-9 mg", "5e3 mg", "5 μg", "2500 ug", "1e99 mg", "0 days",
    "1 day", "0.5 days", "3650 days", "9999 weeks", "0e9/L", "1500e9/L", "1e-12e9/L", "1/uL", "200 mL/min", "0 mL/min",
    "1-9999", "1-3650", "28-1", "0", "1,1", "every day", "all",
)  # fmt: skip
ODD: tuple[Any, ...] = (None, True, False, [], {}, [[]], [None], {"": None}, {"a": {"b": {"c": 1}}}, [1, "a", None])
QUANTITIES = {
    "mg": ("0.0001 mg", "0.5 mg", "2.5 mg", "5 mg", "10 mg", "25 mg", "49 mg", "300 mg", "4000 mg"),
    "days": ("1 day", "7 days", "14 days", "28 days", "56 days", "400 days"),
    "e9/L": ("0e9/L", "0.001e9/L", "0.5e9/L", "1.0e9/L", "30e9/L", "63e9/L", "200e9/L", "900e9/L"),
    "mL/min": ("1 mL/min", "30 mL/min", "60 mL/min", "90 mL/min", "150 mL/min"),
}
"""Quantities of each kind of unit, from hardly possible to hardly possible."""


def anything(source: Random) -> Any:
    """Return a number, a word or something of the wrong kind."""
    return source.choice(source.choice((NUMBERS, WORDS, ODD)))


def sample(schema: dict[str, Any], root: dict[str, Any], source: Random, depth: int = 0) -> Any:
    """Return a value that `schema` (a part of the JSON Schema `root`) allows, as far as the schema says."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return sample(root["$defs"][name], root, source, depth + 1)
    if "anyOf" in schema:
        return sample(source.choice(schema["anyOf"]), root, source, depth)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return source.choice(schema["enum"])
    kind = schema.get("type")
    if kind in ("integer", "number"):
        return _number(schema, kind, source)
    if kind == "boolean":
        return source.random() < 0.5
    if kind == "string":
        return _text(schema, source)
    if kind == "array":
        return _list(schema, root, source, depth)
    if kind == "object":
        return _mapping(schema, root, source, depth)
    return None


def _number(schema: dict[str, Any], kind: str, source: Random) -> float | int:
    low = schema.get("minimum", schema.get("exclusiveMinimum", -100))
    high = schema.get("maximum", schema.get("exclusiveMaximum", low + 100))
    shape = source.random()
    value = low if shape < 0.1 else high if shape < 0.2 else low + (high - low) * source.random() ** 3
    return round(value) if kind == "integer" else round(float(value), 3)


def _text(schema: dict[str, Any], source: Random) -> str:
    for unit, examples in QUANTITIES.items():
        if f"stored in {unit}" in schema.get("description", ""):
            return source.choice(examples)
    if "examples" in schema:
        return str(source.choice(schema["examples"]))
    if "pattern" in schema:
        return source.choice(("a", "x1", "cll", "A", "S1", "crbn_binding", "control"))
    return source.choice(("some words", "[bold] words", "Łódź", "a -> b"))


def _list(schema: dict[str, Any], root: dict[str, Any], source: Random, depth: int) -> list[Any]:
    if "prefixItems" in schema:
        return [sample(item, root, source, depth + 1) for item in schema["prefixItems"]]
    count = 0 if depth > 6 else source.choice((0, 1, 1, 2, 3, 30))
    return [sample(schema.get("items", {}), root, source, depth + 1) for _ in range(count)]


def _mapping(schema: dict[str, Any], root: dict[str, Any], source: Random, depth: int) -> dict[str, Any]:
    required = schema.get("required", [])
    out = {}
    for name, part in schema.get("properties", {}).items():
        if name in required or (depth < 5 and source.random() < 0.25):
            out[name] = sample(part, root, source, depth + 1)
    return out


def subschema(schema: dict[str, Any], root: dict[str, Any], path: tuple[str | int, ...]) -> dict[str, Any] | None:
    """Return the part of a JSON Schema that describes the value at `path`, or None where it says nothing."""
    if "$ref" in schema:
        return subschema(root["$defs"][schema["$ref"].rpartition("/")[2]], root, path)
    if "anyOf" in schema:
        found = (subschema(part, root, path) for part in schema["anyOf"])
        return next((part for part in found if part is not None), None)
    if not path:
        return schema
    step, rest = path[0], path[1:]
    inner = schema.get("items") if isinstance(step, int) else schema.get("properties", {}).get(step)
    return None if inner is None else subschema(inner, root, rest)
