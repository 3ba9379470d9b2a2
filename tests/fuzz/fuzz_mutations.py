"""Mutations of documents, tables, model text and bytes. Each draws from the `Random` it is given, nothing else."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from random import Random
from typing import Any

from fuzz_values import NUMBERS, WORDS, anything, sample, subschema

Path = tuple[str | int, ...]
Schema = dict[str, Any]


def paths(data: Any, here: Path = ()) -> list[Path]:
    """Return the path of every value below the top of plain data."""
    steps: list[tuple[str | int, Any]] = []
    if isinstance(data, dict):
        steps = list(data.items())
    elif isinstance(data, list):
        steps = list(enumerate(data))
    return [path for step, value in steps for path in [(*here, step), *paths(value, (*here, step))]]


def _at(data: Any, path: Path) -> Any:
    for step in path:
        data = data[step]
    return data


def _replaced(data: Any, path: Path, new: Callable[[Any], Any]) -> Any:
    parent = _at(data, path[:-1])
    parent[path[-1]] = new(parent[path[-1]])
    return data


def delete(data: Any, schema: Schema, source: Random) -> Any:
    """Take a field or an item out."""
    path = source.choice(paths(data))
    del _at(data, path[:-1])[path[-1]]
    return data


def repeat(data: Any, schema: Schema, source: Random) -> Any:
    """Repeat the items of a list, a few or a great many times."""
    lists = [path for path in paths(data) if isinstance(_at(data, path), list)]
    times = source.choice((2, 2, 3, 25, 400))
    return _replaced(data, source.choice(lists), lambda items: items * times) if lists else data


def swap(data: Any, schema: Schema, source: Random) -> Any:
    """Exchange two values."""
    one, other = source.choice(paths(data)), source.choice(paths(data))
    if one[: len(other)] == other or other[: len(one)] == one:
        return data
    first, second = _at(data, one), _at(data, other)
    _replaced(data, one, lambda _: second)
    return _replaced(data, other, lambda _: first)


def rename(data: Any, schema: Schema, source: Random) -> Any:
    """Misspell a field or give it a name that is none."""
    fields = [path for path in paths(data) if isinstance(path[-1], str)]
    path = source.choice(fields)
    parent = _at(data, path[:-1])
    value = parent.pop(path[-1])
    parent[source.choice((str(path[-1])[:-1], str(path[-1]).upper(), *WORDS))] = value
    return data


def spoil(data: Any, schema: Schema, source: Random) -> Any:
    """Put a value of any kind in the place of another."""
    return _replaced(data, source.choice(paths(data)), lambda _: anything(source))


def extreme(data: Any, schema: Schema, source: Random) -> Any:
    """Put an extreme number in the place of a number, or in front of a unit."""
    numeric = [p for p in paths(data) if re.match(r"-?[\d.]", str(_at(data, p)))]

    def moved(value: Any) -> Any:
        if isinstance(value, str):
            return re.sub(r"^-?[\d.]+(e-?\d+(?=e))?", str(source.choice(NUMBERS)), value)
        if isinstance(value, bool | list | dict):
            return value
        return source.choice((*NUMBERS, value * source.choice((0.1, 0.5, 0.9, 1.1, 2, 10))))

    return _replaced(data, source.choice(numeric), moved) if numeric else data


def units(data: Any, schema: Schema, source: Random) -> Any:
    """Change the unit of a quantity."""
    quantities = [
        p for p in paths(data) if isinstance(_at(data, p), str) and re.match(r"[\d.]+ ?[a-zA-Zµ]", _at(data, p))
    ]
    unit = source.choice(
        ("mg", "ug", "µg", "μg", "g", "kg", "days", "weeks", "months", "e9/L", "/uL", "mL/min", "L", "%", "")
    )

    def changed(value: Any) -> Any:
        return re.sub(r"(?<=[\d.]) ?[a-zA-Zµ/].*", f" {unit}", value)

    return _replaced(data, source.choice(quantities), changed) if quantities else data


def allowed(data: Any, schema: Schema, source: Random) -> Any:
    """Put a value that the schema allows in the place of another."""
    path = source.choice(paths(data))
    part = subschema(schema, schema, path)
    return data if part is None else _replaced(data, path, lambda _: sample(part, schema, source, len(path)))


def added(data: Any, schema: Schema, source: Random) -> Any:
    """Add an optional field with a value that the schema allows."""
    places = [(), *(p for p in paths(data) if isinstance(_at(data, p), dict))]
    place = source.choice(places)
    part = subschema(schema, schema, place)
    missing = sorted(set((part or {}).get("properties", {})) - set(_at(data, place)))
    if missing and part is not None:
        name = source.choice(missing)
        _at(data, place)[name] = sample(part["properties"][name], schema, source, len(place))
    return data


def worded(data: Any, schema: Schema, source: Random) -> Any:
    """Put words that act on a terminal or a table into a free text."""

    def free(path: Path) -> bool:
        part = subschema(schema, schema, path)
        strict = part is None or {"pattern", "enum", "const"} & set(part)
        return isinstance(_at(data, path), str) and not strict

    texts = [path for path in paths(data) if free(path)]
    word = source.choice(WORDS)[:3000]
    return (
        _replaced(data, source.choice(texts), lambda text: source.choice((word, f"{text} {word}"))) if texts else data
    )


def resized(data: Any, schema: Schema, source: Random) -> Any:
    """Give a trial other sizes that agree."""
    arms = data.get("arms") if isinstance(data, dict) else None
    if not isinstance(arms, list) or not isinstance(data.get("population"), dict):
        return data
    size = source.choice((1, 2, 3, 30, 500, 5000, 100_000))
    whole = [arm for arm in arms if isinstance(arm, dict)]
    for arm in whole:
        arm["size"] = size
    data["population"]["size"] = size * len(whole)
    return data


GENTLE = (extreme, allowed, added, added, added, worded, worded, resized)
"""Mutations that often leave a valid document."""
STRUCTURAL = (
    delete,
    repeat,
    swap,
    rename,
    spoil,
    extreme,
    extreme,
    units,
    allowed,
    allowed,
    added,
    added,
    added,
    added,
)


def document(data: Any, schema: Schema, source: Random) -> bytes:
    """Return plain data, mutated once to three times,
    as the bytes of a document; now and then bytes are changed too."""
    data = copy.deepcopy(data)
    mutations = source.choice((GENTLE, GENTLE, STRUCTURAL))
    for _ in range(source.choice((1, 1, 1, 2, 3))):
        if paths(data):
            data = source.choice(mutations)(data, schema, source)
    text = json.dumps(data, indent=source.choice((None, 1, 1, 1)), ensure_ascii=source.random() < 0.5)
    content = text.encode("utf-8", "surrogatepass")
    return raw(content, source) if source.random() < 0.08 else content


def raw(content: bytes, source: Random) -> bytes:
    """Return bytes changed without regard for what they mean."""
    start = source.randrange(len(content) + 1)
    end = min(len(content), start + source.choice((0, 1, 1, 5, 50, 5000)))
    bits = bytes(source.randrange(256) for _ in range(source.choice((1, 1, 4, 40))))
    words = source.choice(WORDS).encode("utf-8", "surrogatepass")
    changes: tuple[bytes, ...] = (
        content[:start] + content[end:],
        content[:start] + bits + content[end:],
        content[:start] + words + content[end:],
        content[:start] + content[start:end] * 3 + content[end:],
        content[:start],
        b"\xef\xbb\xbf" + content,
        content.replace(b"\n", b"\r\n"),
        content.decode("utf-8", "replace").encode("utf-16"),
        content.decode("utf-8", "replace").encode("latin-1", "replace"),
        b"\x00" * 100 + content,
    )
    return source.choice(changes)


def table(text: str, source: Random) -> bytes:
    """Return a tab-separated table with cells, header or separators changed."""
    rows = [line.split("\t") for line in text.splitlines()]
    for _ in range(source.choice((1, 1, 2, 5))):
        line, column = source.randrange(len(rows)), source.randrange(len(rows[0]))
        cells = rows[line]
        change = source.randrange(7)
        if change <= 2 and column < len(cells):
            cells[column] = str(anything(source))
        elif change == 3:
            cells[column:column] = [str(anything(source))]
        elif change == 4 and cells:
            del cells[min(column, len(cells) - 1)]
        elif change == 5:
            rows[line:line] = [list(source.choice(rows))]
        else:
            cells[min(column, len(cells) - 1) :] = ["x" * source.choice((1, 131_073))] if cells else []
    separator = source.choice(("\t", "\t", "\t", "\t", ",", ";", "  "))
    content = source.choice(("\n", "\n", "\n", "\r\n", "\r")).join(separator.join(row) for row in rows)
    out = content.encode("utf-8", "surrogatepass")
    return raw(out, source) if source.random() < 0.2 else out


_TOKEN = re.compile(r"\w+|\s+|//.*|.", re.DOTALL)
ANTIMONY = (
    'import "other.ant"', "```/*```", "/*", "*/", "//", "end", "model q()", "function f(a) a; end",
    "at time > 1: x = 0;", "'",
    "((((", "))))", " := ", " -> ", ";", "^", "/0", "1e999", "9^9^9^9", "x" * 3000, "sin(" * 1500, "+1" * 6000,
    "var", "é",
    "unit u = 1e-3 litre;", "x identity \"http://x\"", "delay(x, 1)", "piecewise(1, x > 0, 2)", "const",
    "species s in c;",
    'x notes "\x1b]0;owned\a"', "// clock: fsat", "// source: [/x]", "time", "-", "\x00", "\n\n\n", "import", "$x",
    "J: => ; 1",
    "r0 := 1\n" + "".join(f"r{n} := r{n - 1} + r{n - 1}\n" for n in range(1, 25)),
)  # fmt: skip
"""Words of Antimony that a reader may trip over."""


def model(text: str, source: Random) -> bytes:
    """Return model text with its words deleted, doubled, exchanged, or others between them."""
    words = _TOKEN.findall(text)
    for _ in range(source.choice((1, 1, 2, 4))):
        place, other = source.randrange(len(words) or 1), source.randrange(len(words) or 1)
        change = source.randrange(5)
        if change == 0:
            del words[place : place + source.choice((1, 2, 20))]
        elif change == 1:
            words[place:place] = words[other : other + source.choice((1, 3, 30))]
        elif change == 2 and place < len(words) and other < len(words):
            words[place], words[other] = words[other], words[place]
        else:
            words[place:place] = [source.choice((*ANTIMONY, str(anything(source))))]
    out = "".join(words).encode("utf-8", "surrogatepass")
    return raw(out, source) if source.random() < 0.15 else out
