"""Pages made from the package's own descriptions: command line, trial documents, tables, registry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import typer.main

from cereblon import columns
from cereblon.cli.commands import app
from cereblon.clinic.rules import rules
from cereblon.clinic.trial.design import ENDPOINTS, Published
from cereblon.clinic.trial.load import json_schema, load_trial, trial_ids
from cereblon.clinic.trial.trial import Trial
from cereblon.model import load_model
from cereblon.patients.covariates import covariate_columns
from cereblon.study.quantities import EARLY, measures
from cereblon.study.tables import EARLY_WEEKS
from pages_markdown import DASH, cell, code, table


def reference_pages() -> Iterator[tuple[str, str]]:
    """Yield the reference pages."""
    yield "cli.md", _command_line()
    yield "trial_file.md", _trial_file()
    yield "tables.md", _tables()
    yield "registry.md", _registry()
    yield "rules.md", _rules()


def _command_line() -> str:
    root = typer.main.get_command(app)
    parts = [
        "# Command line",
        "Results go to standard output, progress and errors to standard error. The exit code "
        "is 0, 2 for a mistake in what was given or an output that nobody takes (a full disk, a closed pipe), "
        "130 for Ctrl-C, 1 for a fault of Cereblon itself: `CEREBLON_TRACEBACK=1` then shows where it happened.",
    ]
    parts += _commands(root, "cereblon")
    return "\n\n".join(parts) + "\n"


def _commands(command: Any, path: str) -> list[str]:
    parts = []
    if path != "cereblon":
        parts += [f"## {path}", cell(command.help)]
    else:
        parts += [cell(command.help)]
    rows = []
    for parameter in command.params:
        option = parameter.param_type_name == "option"
        name = ", ".join(parameter.opts) if option else parameter.metavar or parameter.name.upper()
        default = parameter.default if option and parameter.default not in (None, False, ()) else None
        rows.append((code(name), cell(getattr(parameter, "help", None)), code(default) if default else DASH))
    parts.append(table(["argument or option", "meaning", "default"], rows))
    for name, inner in getattr(command, "commands", {}).items():
        parts += _commands(inner, f"{path} {name}")
    return [part for part in parts if part]


def _trial_file() -> str:
    schema = json_schema()
    parts = [
        "# Trial documents",
        "YAML text. `cereblon new FILE` writes a commented example, `cereblon check FILE` looks for "
        "mistakes. For completion in an editor, point it at the JSON Schema that comes with the package, "
        "`cereblon/trials/trial.schema.json`.",
        "## Trial",
        _description(schema),
        _fields(schema),
    ]
    for name, part in _in_order(schema):
        parts += [f"## {name}", _description(part), _fields(part)]
    parts += [
        "## Endpoint keys",
        table(["key", "meaning"], [(code(k), cell(v)) for k, v in ENDPOINTS.items()]),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _in_order(schema: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the parts of the schema in the order in which a document meets them."""
    parts: Mapping[str, Mapping[str, Any]] = schema["$defs"]
    waiting, seen = list(_references(schema.get("properties", {}))), set()
    while waiting:
        name = waiting.pop(0)
        if name not in seen:
            seen.add(name)
            yield name, parts[name]
            waiting = list(_references(parts[name])) + waiting


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        if "$ref" in value:
            yield value["$ref"].rsplit("/", 1)[-1]
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)


def _description(part: Mapping[str, Any]) -> str:
    return str(part.get("description", "")).replace("\n    ", "\n")


def _fields(part: Mapping[str, Any]) -> str:
    needed = part.get("required", ())
    heads = ["field", "value", "default", "note"]
    rows = []
    for name, field in part.get("properties", {}).items():
        default = "required" if name in needed else _default(field)
        rows.append([code(name), _kind(field), default, cell(field.get("description"))])
    if all(row[-1] == DASH for row in rows):  # a column of dashes says nothing
        heads, rows = heads[:-1], [row[:-1] for row in rows]
    return table(heads, rows)


def _default(field: Mapping[str, Any]) -> str:
    value = field.get("default")
    return DASH if value is None or value in ([], {}) or isinstance(value, dict) else code(value)


def _kind(field: Mapping[str, Any]) -> str:
    if "$ref" in field:
        name = field["$ref"].rsplit("/", 1)[-1]
        return f"[{name}](#{name.lower()})"
    if "enum" in field:
        return ", ".join(code(v) for v in field["enum"])
    if "const" in field:
        return code(field["const"])
    for key in ("anyOf", "oneOf"):
        if key in field:
            kinds = [_kind(f) for f in field[key] if f.get("type") != "null"]
            return " or ".join(dict.fromkeys(kinds))
    if field.get("type") == "array":
        inner: Mapping[str, Any] = field.get("items") or next(iter(field.get("prefixItems", [])), {})
        return f"list of {_kind(inner)}"
    examples = field.get("examples")
    kind = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}.get(
        field.get("type", ""), field.get("type", "value")
    )
    return f"{kind}, such as {code(examples[0])}" if examples else kind


def _tables() -> str:
    parts = [
        "# Tables",
        "Each table is a Parquet file of the run folder and a frame of `result.table(NAME)`. Names follow "
        "CDISC ADaM where it has one. Day 1 is the day of the first dose.",
    ]
    for name, described in columns.TABLES.items():
        whole = {**described, **covariate_columns()} if name == "subjects" else described
        rows = [(code(k), code(c.dtype), cell(c.unit), cell(c.meaning)) for k, c in whole.items()]
        parts += [f"## {name}", table(["column", "type", "unit", "meaning"], rows)]
    written = [
        (code(k), cell(m.label), cell(m.unit), code(m.source), cell(m.meaning))
        for k, m in measures(load_model()).items()
    ]
    parts += [
        "## Quantities of the visits table",
        "`PARAMCD` of the visits table. Blood counts are `measured`: results with the errors of the laboratory, on "
        "the days on which blood was counted. The others are `true`: the state of the virtual patient itself, every "
        f"28 days ({' and '.join(code(name) for name in EARLY)} weekly in the first {EARLY_WEEKS} weeks). What the "
        "site read of lymphocytes and nodes, with its errors, stands in the response table. The exposure to each drug "
        "of the trial has a code of its own: that of its card, or `AUC_` and the drug's prefix in capitals.",
        table(["PARAMCD", "quantity", "unit", "SOURCE", "meaning"], written),
    ]
    parts += [
        "## Terms",
        "Adverse events: " + ", ".join(code(term) for term in columns.ADVERSE_EVENTS) + ".",
        "Responses, best first: " + ", ".join(code(term) for term in columns.RESPONSES) + ".",
    ]
    return "\n\n".join(parts) + "\n"


def _rules() -> str:
    rows = [
        (code(r.id), f"{r.value:g}", cell(r.unit), r.status, cell(r.source), cell(r.note)) for r in rules().values()
    ]
    intro = "Limits, errors of measurement, rates and grades that the site and the criteria use."
    heads = ["name", "value", "unit", "status", "source", "note"]
    return f"# Numbers of the clinic\n\n{intro}\n\n" + table(heads, rows)


def _registry() -> str:
    parts = [
        "# The registry",
        "Published trials that come with the package. Outcomes are data for comparison; no simulation reads "
        "them. Where a report is silent, an assumption stands, listed here "
        "and shown by `cereblon show trial ID`.",
    ]
    for name in trial_ids():
        parts += _trial(load_trial(name))
    return "\n\n".join(part for part in parts if part) + "\n"


def _trial(trial: Trial) -> list[str]:
    parts = [f"## {trial.id}", cell(trial.title) + "."]
    if trial.citation is not None:
        c = trial.citation
        doi = f", doi {c.doi}" if c.doi else ""
        volume = f" {c.volume}" if c.volume else ""
        parts.append(cell(f"{c.authors}. {c.journal} {c.year}{volume}{doi}"))
    if trial.summary:
        parts.append(cell(trial.summary))
    rows = [
        (
            code(p.endpoint),
            code(p.arm) if p.arm else "all",
            _figure(p),
            cell(_count(p)),
            code(p.source),
            p.confidence,
        )
        for p in trial.published
    ]
    parts.append(table(["endpoint", "arm", "published", "patients", "source", "confidence"], rows))
    choices = [(code(a.field), cell(a.choice), cell(a.why)) for a in trial.assumptions]
    parts.append(table(["assumed", "choice", "why"], choices))
    parts.append(table(["source", "what"], [(code(s.id), cell(s.what)) for s in trial.sources]))
    return parts


def _figure(figure: Published) -> str:
    if figure.not_reached:
        return "not reached"
    unit = " months" if figure.in_months else " %"
    return f"below {figure.below:g}{unit}" if figure.below is not None else f"{figure.value:g}{unit}"


def _count(figure: Published) -> str:
    if figure.of is None:
        return ""
    return f"{figure.n} of {figure.of}" if figure.n is not None else f"of {figure.of}"
