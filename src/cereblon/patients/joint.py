"""The joint model of baseline traits: a regression chain for known causes, a copula for the laboratory.

All arithmetic is element by element over arrays of candidates, so that a candidate's traits do not depend
on its neighbours. What the model centres on (means, spreads of the shifted scores, quantiles) is a `Frame`,
measured once on a fixed pool.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from scipy.special import expit, logit

from cereblon.parameters.subjects import Floats, flag
from cereblon.patients.documents import Documents, load_documents
from cereblon.patients.scales import quantile, truncated_geometric, truncated_normal

LABORATORY = (
    "alc", "spd0", "spleen_volume0", "marrow0", "hemoglobin", "platelets", "anc0",
    "b2m", "ldh", "igg_mg_dl", "monocytes0", "cd4_0", "cd8_0", "nk_0",
)  # fmt: skip
"""Traits tied together by the copula."""

NORMALS = ("height", "bmi", "creatinine", "growth", "ldi", "ecog", "uric_acid", *LABORATORY)
UNIFORMS = (
    "age", "male", "lines", "creatinine", "ighv", "del17p", "tp53", "del11q", "trisomy12", "del13q",
    "zap70", "cd38", "refractory", "immune", "symptoms", "examined", "accept",
)  # fmt: skip

Traits = dict[str, Floats]


def normal_stream(name: str) -> str:
    """Return the name of the stream of a member of `NORMALS`; some names are in both lists."""
    return f"{name}, normal"


def uniform_stream(name: str) -> str:
    """Return the name of the stream of a member of `UNIFORMS`."""
    return f"{name}, uniform"


@dataclass(frozen=True)
class Chances:
    """The raw randomness of m candidates: standard normals and uniforms by purpose, each (m,)."""

    normals: Mapping[str, Floats]
    uniforms: Mapping[str, Floats]


@dataclass(frozen=True)
class Levers:
    """Where a trial's printed table moves the model.

    `shifts` are added on each margin's own scale (log for counts, square root for platelets, log-odds for
    shares); `age` and `lines` hold the truncated distributions.
    """

    age_mean: float
    age_sd: float
    age_low: float
    age_high: float
    lines_low: int
    lines_high: int
    lines_stop: float
    bulky_cm: float
    bulky_found: float
    """Share of bulk on CT that the trial's method calls bulky."""
    effects: Mapping[str, float]
    """Effects of covariates on each other, by id."""
    shifts: Mapping[str, float] = field(default_factory=dict)

    def of(self, name: str) -> float:
        """Return the shift of `name`, 0 if nothing moves it."""
        return self.shifts.get(name, 0.0)


@dataclass(frozen=True)
class Frame:
    """Constants that centre the model on a population."""

    means: Mapping[str, float]
    score_mean: Mapping[str, float]
    score_sd: Mapping[str, float]
    ecog_cuts: tuple[float, float]


def correlation(documents: Documents) -> Floats:
    """Return the (14, 14) correlation of the scores; clip eigenvalues if an edit made it indefinite."""
    matrix = np.eye(len(LABORATORY))
    for (a, b), value in documents.copula.items():
        i, j = LABORATORY.index(a), LABORATORY.index(b)
        matrix[i, j] = matrix[j, i] = value
    values, vectors = np.linalg.eigh(matrix)
    if values.min() > 1e-3:
        return matrix
    repaired = (vectors * np.clip(values, 1e-3, None)) @ vectors.T
    scale = np.sqrt(np.diag(repaired))
    return np.asarray(repaired / np.outer(scale, scale))


def chain(chances: Chances, setting: str, levers: Levers) -> Traits:
    """Return the traits of m candidates that have a known cause: body, kidney, genes."""
    e, margins = levers.effects, load_documents().margins[setting]
    z, u = chances.normals, chances.uniforms
    t: Traits = {}
    t["age"] = truncated_normal(u["age"], levers.age_mean, levers.age_sd, levers.age_low, levers.age_high)
    odds = logit(margins["male"].value) + levers.of("male")
    t["male"] = flag(u["male"] < expit(odds + e["male.age"] * (t["age"] - levers.age_mean)))
    t["prior_lines"] = truncated_geometric(u["lines"], levers.lines_stop, levers.lines_low, levers.lines_high)
    _body(t, chances, levers, e)

    counted = np.minimum(t["prior_lines"], e["lines.most_counted"])
    kept = margins["tp53_lesion"].value
    older = t["age"] - e["genes.age_origin"]
    t["ighv_unmutated"] = flag(u["ighv"] < expit(logit(margins["ighv_unmutated"].value) + levers.of("ighv_unmutated")))
    unmutated = t["ighv_unmutated"]
    odds = e["del17p.intercept"] + e["del17p.ighv_unmutated"] * unmutated + e["del17p.lines"] * counted
    t["del17p"] = flag(u["del17p"] < kept * expit(odds + e["del17p.age"] * older + levers.of("del17p")))
    odds = logit(e["tp53.alone"]) + e["tp53.ighv_unmutated"] * unmutated + e["tp53.lines"] * counted
    with_deletion = expit(logit(e["tp53.given_del17p"]) + levers.of("tp53"))
    t["tp53"] = flag(u["tp53"] < np.where(t["del17p"] > 0, with_deletion, kept * expit(odds + levers.of("tp53"))))
    odds = e["del11q.intercept"] + e["del11q.ighv_unmutated"] * unmutated + e["del11q.del17p"] * t["del17p"]
    t["del11q"] = flag(u["del11q"] < expit(odds + e["del11q.lines"] * counted + levers.of("del11q")))
    t["del17p_or_del11q"] = np.maximum(t["del17p"], t["del11q"])
    alone = expit(e["trisomy12.intercept"] + e["trisomy12.ighv_unmutated"] * unmutated)
    share = np.where(t["del17p_or_del11q"] > 0, e["trisomy12.with_other"], alone)
    t["trisomy12"] = flag(u["trisomy12"] < expit(logit(share) + levers.of("trisomy12")))
    for gene in ("del13q", "zap70", "cd38"):
        share = np.where(unmutated > 0, e[f"{gene}.unmutated"], e[f"{gene}.mutated"])
        if gene == "cd38":
            share = share + e["cd38.trisomy12"] * t["trisomy12"]
        t[gene] = flag(u[gene] < expit(logit(share) + levers.of(gene)))
    few = np.minimum(t["prior_lines"], e["growth.lines_most"])
    slope = e["growth.tp53"] * t["tp53"] + e["growth.del11q"] * t["del11q"] + e["growth.lines"] * few
    base = np.where(unmutated > 0, e["growth.unmutated"], e["growth.mutated"])
    t["growth"] = base * np.exp(slope + e["growth.age"] * older + e["growth.log_sd"] * z["growth"])
    odds = e["refractory.intercept"] + e["refractory.lines"] * (t["prior_lines"] - 1) + e["refractory.tp53"] * t["tp53"]
    refractory = u["refractory"] < expit(odds + levers.of("fludarabine_refractory"))
    t["fludarabine_refractory"] = flag(refractory & (t["prior_lines"] > 0))
    return t


def _body(t: Traits, chances: Chances, levers: Levers, e: Mapping[str, float]) -> None:
    """Add height, weight, body surface, fat-free mass, creatinine and its clearance."""
    z, u = chances.normals, chances.uniforms
    man = t["male"] > 0
    t["height"] = np.where(
        man,
        e["height.men"] + e["height.men.sd"] * z["height"],
        e["height.women"] + e["height.women.sd"] * z["height"],
    )
    metre2 = (t["height"] / 100.0) * (t["height"] / 100.0)
    bmi = e["bmi.median"] * np.exp(e["bmi.log_mean"] + e["bmi.log_sd"] * z["bmi"])
    bmi = np.clip(bmi, e["bmi.low"], e["bmi.high"])
    t["weight"] = bmi * metre2 + e["weight.age"] * (t["age"] - e["weight.age_origin"])
    t["bmi"] = t["weight"] / metre2
    t["bsa"] = e["bsa.factor"] * np.exp(e["bsa.weight"] * np.log(t["weight"]) + e["bsa.height"] * np.log(t["height"]))
    lean = np.where(man, e["ffm.men"] + e["ffm.men.bmi"] * t["bmi"], e["ffm.women"] + e["ffm.women.bmi"] * t["bmi"])
    t["ffm"] = e["ffm.factor"] * t["weight"] / lean
    raised = e["creatinine.raised_log"] * (u["creatinine"] < e["creatinine.raised_share"])
    log_factor = e["creatinine.age"] * (t["age"] - e["creatinine.age_origin"]) - levers.of("crcl")
    t["creatinine"] = np.where(man, e["creatinine.men"], e["creatinine.women"]) * np.exp(
        log_factor + e["creatinine.log_sd"] * z["creatinine"] + raised
    )
    clearance = (e["crcl.age_top"] - t["age"]) * t["weight"] * np.where(man, 1.0, e["crcl.women"])
    t["crcl"] = np.clip(clearance / (e["crcl.divisor"] * t["creatinine"]), e["crcl.low"], e["crcl.high"])


def predictors(traits: Traits) -> Traits:
    """Return what moves the laboratory scores, on the units of ``shifts.tsv`` and not yet centred."""
    return {
        "age": traits["age"] / 10.0,
        "lines": traits["prior_lines"] / 2.0,
        "ighv_unmutated": traits["ighv_unmutated"],
        "del11q": traits["del11q"],
        "log_crcl": np.log(traits["crcl"]),
    }


def laboratory_scores(chances: Chances, traits: Traits, frame: Frame) -> Traits:
    """Return the standardized, correlated and shifted scores of the 14 laboratory traits, each (m,)."""
    documents = load_documents()
    factor = np.linalg.cholesky(correlation(documents))
    centred = {name: value - frame.means[name] for name, value in predictors(traits).items()}
    scores: Traits = {}
    for i, trait in enumerate(LABORATORY):
        # A plain sum, because a matrix product may round differently for another number of candidates.
        score = factor[i, i] * chances.normals[trait]
        for j in range(i):
            score = score + factor[i, j] * chances.normals[LABORATORY[j]]
        for shift in documents.shifts:
            if shift.trait == trait:
                score = score + shift.value * centred[shift.predictor]
        scores[trait] = (score - frame.score_mean[trait]) / frame.score_sd[trait]
    return scores


def ecog_score(chances: Chances, traits: Traits, scores: Traits, frame: Frame, e: Mapping[str, float]) -> Floats:
    """Return the latent performance score (m,): worse with age, anaemia and earlier lines, by the effects `e`."""
    age = traits["age"] / 10.0 - frame.means["age"]
    lines = traits["prior_lines"] / 2.0 - frame.means["lines"]
    return np.asarray(
        e["ecog.age"] * age
        + e["ecog.hemoglobin"] * scores["hemoglobin"]
        + e["ecog.lines"] * lines
        + chances.normals["ecog"]
    )


def measure_frame(chances: Chances, traits: Traits, setting: str, effects: Mapping[str, float]) -> Frame:
    """Measure the centring constants on a pool of candidates."""
    documents = load_documents()
    drivers = predictors(traits)
    means = {name: float(value.mean()) for name, value in drivers.items()}
    sd = {}
    for trait in LABORATORY:
        moved = np.zeros_like(traits["age"])
        for shift in documents.shifts:
            if shift.trait == trait:
                moved = moved + shift.value * (drivers[shift.predictor] - means[shift.predictor])
        sd[trait] = float(np.sqrt(1.0 + moved.var()))
    frame = Frame(means, dict.fromkeys(LABORATORY, 0.0), sd, (0.0, 0.0))
    latent = ecog_score(chances, traits, laboratory_scores(chances, traits, frame), frame, effects)
    margins = documents.margins[setting]
    low, high = np.quantile(latent, [margins["ecog_0"].value, margins["ecog_0_1"].value])
    return Frame(means, frame.score_mean, sd, (float(low), float(high)))


def complete(chances: Chances, traits: Traits, setting: str, levers: Levers, frame: Frame) -> Traits:
    """Add laboratory values, sizes, stage and performance to the traits of `chain`; return all of them."""
    e, margins = levers.effects, load_documents().margins[setting]
    u = chances.uniforms
    t = dict(traits)
    scores = laboratory_scores(chances, t, frame)
    for trait in LABORATORY:
        if trait != "hemoglobin":
            t[trait] = quantile(margins[trait], scores[trait], levers.of(trait))
    sex = np.where(t["male"] > 0, e["hemoglobin.men"], e["hemoglobin.women"])
    margin = margins["hemoglobin"]
    t["hemoglobin"] = np.clip(
        margin.value + levers.of("hemoglobin") + margin.spread * scores["hemoglobin"] + sex,
        margin.low,
        margin.high,
    )
    t["uric_acid0"] = quantile(margins["uric_acid0"], chances.normals["uric_acid"], 0.0)
    node = margins["ldi0"]
    root = np.sqrt(t["spd0"] / margins["spd0"].value)
    t["ldi0"] = np.clip(
        node.value * root * np.exp(levers.of("ldi0") + node.spread * chances.normals["ldi"]),
        node.low,
        node.high,
    )
    area = e["node_volume.at_spd"] * np.exp(e["node_volume.power"] * np.log(t["spd0"] / e["node_volume.spd"]))
    t["node_volume0"] = np.clip(area, e["node_volume.low"], e["node_volume.high"])
    t["immune_cytopenia"] = flag(u["immune"] < e["immune_cytopenia.share"])
    _stage(t, e)
    large = (t["ldi0"] >= levers.bulky_cm) & (u["examined"] < levers.bulky_found)
    t["bulky"] = flag(large)
    t["symptoms"] = flag((u["symptoms"] < e["symptoms.share"]) | ~reason_to_treat(t, e))
    latent = ecog_score(chances, t, scores, frame, e)
    t["ecog"] = flag(latent > frame.ecog_cuts[0]) + flag(latent > frame.ecog_cuts[1])
    t["ecog_0"], t["ecog_2"] = flag(t["ecog"] == 0), flag(t["ecog"] == 2)
    return t


def _stage(t: Traits, e: Mapping[str, float]) -> None:
    """Add Rai and Binet stage; an immune cytopenia does not count."""
    counted = t["immune_cytopenia"] == 0
    spleen, node = t["spleen_volume0"] > e["rai.spleen"], t["ldi0"] > e["rai.node"]
    rai = np.where(spleen, 2.0, np.where(node, 1.0, 0.0))
    rai = np.where(counted & (t["hemoglobin"] < e["rai.hemoglobin"]), 3.0, rai)
    t["rai"] = np.where(counted & (t["platelets"] < e["rai.platelets"]), 4.0, rai)
    t["rai_3_4"] = flag(t["rai"] >= 3)
    low = (t["hemoglobin"] < e["binet.hemoglobin"]) | (t["platelets"] < e["binet.platelets"])
    areas = (t["spd0"] >= e["binet.areas_spd"]) | (spleen & node)
    t["binet"] = np.where(counted & low, 2.0, np.where(areas, 1.0, 0.0))
    t["binet_c"] = flag(t["binet"] == 2)


def reason_to_treat(t: Traits, e: Mapping[str, float]) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Return (m,) whether counts, sizes or growth alone are a reason to treat (iwCLL)."""
    doubling = 12.0 * np.log(2.0) / t["growth"]
    return np.asarray(
        (t["hemoglobin"] < e["rai.hemoglobin"])
        | (t["platelets"] < e["rai.platelets"])
        | (t["ldi0"] >= e["need.node"])
        | (t["spleen_volume0"] > e["need.spleen"])
        | (doubling < e["need.doubling"])
    )
