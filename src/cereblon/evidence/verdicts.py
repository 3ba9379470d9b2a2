"""Claims to verdicts: run their experiments together on one ensemble, and say what holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cereblon.arguments import callback, instance, words
from cereblon.environment import check_environment
from cereblon.model import Model, drug_cards, load_model
from cereblon.parameters import ParameterSet

from .arrow_signs import ArrowReading, ArrowSigns
from .documents import group_of, load_claims, load_evidence, require_claim, switches
from .ensemble import MEMBERS, Ensemble, draw_ensemble, require_ensemble
from .readouts import ENOUGH, Reading, read
from .runner import Courses, Order, Say, always, hourly_names, needed, run_orders
from .schema import Claim, Experiment, Verdict
from .trials import Trials, read_trial

SPLIT = 0.1
"""Share of the ensemble that must agree for a claim in conflict to be contested and not to fail."""


@dataclass(frozen=True)
class ClaimResult:
    """The verdict on a claim with its readings and arrows; courses by condition for plots."""

    claim: Claim
    verdict: Verdict
    readings: tuple[Reading, ...] = ()
    courses: Mapping[str, Courses] = field(default_factory=dict, repr=False)
    arrows: tuple[ArrowReading, ...] = ()

    @property
    def agree(self) -> float | None:
        """Share of the ensemble that agrees with the least certain readout; None if nothing was run."""
        return min((r.agree for r in self.readings), default=None)

    def as_json(self) -> dict[str, Any]:
        """Plain data for the command line."""
        rows = [e for e in load_evidence() if e.claim == self.claim.id]
        return {
            "verdict": self.verdict,
            "group": group_of(self.claim.id),
            "says": self.claim.says,
            "refs": list(self.claim.refs),
            "agree": self.agree,
            "waits_for": self.claim.waits_for,
            "conflict": self.claim.conflict,
            "readouts": [r.as_json() for r in self.readings],
            "arrows": [a.as_json() for a in self.arrows],
            "evidence": {kind: sum(e.supports == kind for e in rows) for kind in ("supports", "mixed", "contradicts")},
        }


def run_claims(
    ids: Sequence[str] | None = None,
    *,
    knockout: Sequence[str] = (),
    members: int = MEMBERS,
    seed: int = 1,
    parameters: ParameterSet | None = None,
    model: Model | None = None,
    say: Say | None = None,
) -> dict[str, ClaimResult]:
    """Run the experiments of claims and judge them.

    ids: which claims (default all 62); knockout: claims whose mechanism is off in every condition, the untreated start
    included; members: size of the ensemble; seed: of its draw; parameters: what it is drawn around and what virtual
    trials are run with (default: the packaged numbers); say: called with (done, total, words). Returns id ->
    `ClaimResult`. Raises CereblonError for unknown claims and for arguments of the wrong kind.
    """
    off = switches(words("knockout", knockout, "crbn_binding"))
    wanted = tuple(load_claims()) if ids is None else words("ids", ids, "crbn_binding")
    chosen = [(require_claim(name), off) for name in wanted]
    members, seed = require_ensemble(members, seed)
    callback("say", say)
    check_environment()
    model = load_model() if model is None else model
    instance("model", model, Model, "a model from cereblon.load_model")
    if parameters is not None:
        instance("parameters", parameters, ParameterSet, "a ParameterSet, as of cereblon.read_params")
    ensemble = draw_ensemble(model, members, seed, parameters)
    return {r.claim.id: r for r in judge_all(model, ensemble, chosen, seed, say, parameters=parameters)}


def run_knockouts(
    ids: Sequence[str], *, members: int = MEMBERS, seed: int = 1, model: Model | None = None, say: Say | None = None
) -> dict[str, ClaimResult]:
    """Run every claim of `ids` with its own mechanism off: each verdict should turn. As `run_claims`, in one go."""
    chosen = [(require_claim(name), switches([name])) for name in ids]
    model = load_model() if model is None else model
    return {r.claim.id: r for r in judge_all(model, draw_ensemble(model, members, seed), chosen, seed, say)}


def judge_all(
    model: Model,
    ensemble: Ensemble,
    chosen: Sequence[tuple[Claim, Mapping[str, float]]],
    seed: int = 1,
    say: Say | None = None,
    arrows: bool = True,
    parameters: ParameterSet | None = None,
) -> list[ClaimResult]:
    """Run claims, each with the parameters of mechanisms that are off everywhere, and judge them in order.

    arrows: judge the stated arrows too; parameters: what the ensemble was drawn around, also for trials and arrows.
    """
    orders, owners = [], []
    for place, (claim, off) in enumerate(chosen):
        experiment = claim.experiment
        for name, condition in experiment.conditions.items() if experiment is not None else ():
            if experiment is not None and condition.trial is None:
                orders.append(Order(condition, experiment.days, off, hourly_names(experiment, name)))
                owners.append((place, name))
    found = run_orders(model, ensemble, orders, recorded(), say) if orders else []
    courses: dict[int, dict[str, Courses]] = {}
    for (place, name), course in zip(owners, found, strict=True):
        courses.setdefault(place, {})[name] = course
    trials, signs = Trials(seed, say, parameters), ArrowSigns(model, parameters)
    out = []
    for place, (claim, off) in enumerate(chosen):
        if claim.experiment is None:
            out.append(ClaimResult(claim, "waits"))
            continue
        mine, acting = courses.get(place, {}), signs.read(claim.id, off) if arrows else ()
        readings = judge(claim.experiment, mine, trials, off)
        out.append(ClaimResult(claim, _verdict(claim, readings, acting), readings, mine, acting))
    return out


def recorded() -> tuple[str, ...]:
    """Names that every run of claims records, so that one compiled program serves all."""
    experiments = [c.experiment for c in load_claims().values() if c.experiment is not None]
    conditions = [c for experiment in experiments for c in experiment.conditions.values()]
    return tuple(sorted({*needed(experiments), *always(conditions, drug_cards().values())}))


def judge(
    experiment: Experiment, courses: Mapping[str, Courses], trials: Trials, off: Mapping[str, float]
) -> tuple[Reading, ...]:
    """Return the readings of an experiment. off: parameters of mechanisms that are off everywhere."""
    out = []
    for readout in experiment.readouts:
        clinical = experiment.conditions[readout.to].trial is not None
        out.append(read_trial(readout, experiment, trials, off) if clinical else read(readout, courses))
    return tuple(out)


def _verdict(claim: Claim, readings: tuple[Reading, ...], arrows: tuple[ArrowReading, ...]) -> Verdict:
    if not all(a.holds for a in arrows):
        return "fails"
    told = [r for r in readings if r.tells]
    if all(r.holds for r in told):
        return "holds" if len(told) == len(readings) else "cannot tell"
    split = all(r.holds or (SPLIT <= r.agree < ENOUGH and r.reaches) for r in told)
    return "contested" if split and claim.conflict is not None and _in_conflict(claim.id) else "fails"


def _in_conflict(claim: str) -> bool:
    """Whether the dossier has a row that speaks against the claim."""
    return any(e.claim == claim and e.supports in ("contradicts", "mixed") for e in load_evidence())
