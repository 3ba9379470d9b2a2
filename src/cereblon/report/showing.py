"""What `cereblon show` prints: equations in words, a parameter, a trial."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import RenderableType
from rich.text import Text

from cereblon.errors import CereblonError, nearest
from cereblon.report.console import table

if TYPE_CHECKING:
    from cereblon.model import Equation, Model, Term

_CLOCKS = {
    "linear": "fast clock, linear",
    "relaxing": "fast clock, relaxing",
    "slow": "slow clock",
    "rule": "computed at once",
}


@dataclass(frozen=True)
class View:
    """Something to show: parts for the screen, data for --json."""

    parts: Sequence[RenderableType]
    data: Any = field(default=None)


def _source(words: Any) -> str:
    claims = f"claim {', '.join(words.claims)}" if words.claims else ""
    sources = f"source {', '.join(words.sources)}" if words.sources else ""
    return "; ".join(part for part in (claims, sources) if part)


def _term(term: Term) -> str:
    source = f" [{_source(term.words)}]" if term.words.sources or term.words.claims else ""
    return f"    {term.name}: {term.formula}\n        {term.words.says}{source}"


def _equation(equation: Equation) -> Text:
    head = "=" if equation.clock == "rule" else "' ="
    text = Text(f"{equation.name} {head}", style="bold")
    text.append(f"  {equation.formula}\n" if len(equation.terms) <= 1 else "  sum of\n", style="not bold")
    facts = [_CLOCKS.get(equation.clock, equation.clock), f"unit {equation.unit}"]
    if equation.start:
        facts.append(f"starts at {equation.start}")
    text.append(f"    {'; '.join(facts)}\n", style="not bold dim")
    for term in equation.terms if len(equation.terms) > 1 else ():
        text.append(_term(term) + "\n", style="not bold")
    words = [equation.words] + ([equation.terms[0].words] if len(equation.terms) == 1 else [])
    for line in dict.fromkeys(f"{w.says} [{_source(w)}]".strip() for w in words if w.says or w.sources):
        text.append(f"    {line.removesuffix(' []')}\n", style="not bold")
    return text


def show_model(name: str | None, drugs: Sequence[Path] = ()) -> View:
    """Return the equation of one state or rule, or all of them with a count; raises CereblonError for an unknown name.

    drugs: folders of the user's own, on board beside the package's.
    """
    from cereblon.model import load_model

    model: Model = load_model(None, drugs)
    equations = {equation.name: equation for equation in model.equations()}
    if name is not None and name not in equations:
        hint = nearest(name, equations)
        raise CereblonError(f"show model '{name}': no state or rule has this name{hint}")
    chosen = list(equations.values()) if name is None else [equations[name]]
    parts: list[RenderableType] = []
    if name is None:
        parts.append(
            f"{len(model.states)} states, {len(model.rules)} rules, {len(model.parameters)} parameters "
            f"({len(model.individual)} of them different in each subject). Time in days; x' is the rate "
            f"of change of x."
        )
    parts += [_equation(equation) for equation in chosen]
    return View(parts, [asdict(equation) for equation in chosen])


def show_parameter(name: str | None, drugs: Sequence[Path] = ()) -> View:
    """Return one parameter with value, unit, spread, source and status, or the table of all."""
    from cereblon.model import load_model

    parameters = load_model(None, drugs).parameters
    if name is None:
        out = table(("Parameter", "Value", "Unit", "Spread", "Status", "Source"), right=(1,))
        for row in parameters.values():
            spread = "" if row.distribution == "none" else f"{row.distribution} {row.spread:g}"
            out.add_row(row.id, f"{row.value:g}", row.unit, spread, row.status, row.source)
        return View([out], [asdict(row) for row in parameters.values()])
    if name not in parameters:
        raise CereblonError(f"show parameter '{name}': no parameter has this name{nearest(name, parameters)}")
    row = parameters[name]
    spread = "the same in all subjects"
    if row.distribution != "none":
        spread = f"{row.distribution}, SD {row.spread:g} on that scale"
    elif row.status == "covariate":
        spread = "drawn with the virtual subject"
    facts = {
        "value": f"{row.value:g}",
        "unit": row.unit,
        "spread between subjects": spread,
        "correlated with": f"others of group {row.group}" if row.group else "",
        "status": row.status,
        "source": row.source,
        "evidence": row.evidence,
        "organ": row.organ,
        "note": row.note,
    }
    out = table((name, ""))
    for what, value in facts.items():
        if value:
            out.add_row(what, value)
    return View([out], asdict(row))


def show_trial(name: str | None, drugs: Sequence[Path] = ()) -> View:
    """Return a trial's design, published figures and the choices made for it."""
    from cereblon.clinic.trial.load import load_trial, trial_ids

    if name is None:
        raise CereblonError(f"show trial: expected a trial, one of {', '.join(trial_ids())}, or a file")
    trial = load_trial(name, drugs=drugs)
    design = table((trial.id, trial.title))
    for what, value in (
        ("setting", trial.setting),
        ("criteria", f"{trial.criteria}, nodes by {trial.nodes_by}"),
        ("subjects", f"{trial.size}, median age {trial.population.age.median:g}"),
        ("follow-up", f"{trial.follow_up.duration_months:g} months"),
        ("registration", trial.registration or ""),
    ):
        if value:
            design.add_row(what, value)
    for arm in trial.arms:
        design.add_row(f"arm {arm.id} (n = {arm.size})", arm.name)
    figures = table(("Endpoint", "Arm", "Published", "n", "of", "Source", "Evidence", "Note"), right=(2, 3, 4))
    for p in trial.published:
        value = "not reached" if p.not_reached else f"< {p.below:g}" if p.value is None else f"{p.value:g}"
        n, of = ("" if count is None else str(count) for count in (p.n, p.of))
        figures.add_row(p.endpoint, p.arm or "", value, n, of, p.source, p.confidence, p.note or "")
    choices = table(("Choice where the report is silent", "Chosen", "Why"))
    for a in trial.assumptions:
        choices.add_row(a.field, a.choice, a.why)
    sources = table(("Source", "What"))
    for s in trial.sources:
        sources.add_row(s.id, s.what)
    parts = [part for part in (design, figures, choices, sources) if part.row_count]
    return View(parts, trial.model_dump(mode="json"))
