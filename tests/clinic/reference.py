"""The response rules for one subject at a time, written down from the criteria without arrays.

The vectorised rules of the package must agree with this text on any input.
"""

from __future__ import annotations

from typing import Any

Visit = dict[str, Any]
RANK = {"CR": 5, "CRi": 4, "nPR": 3, "PR": 2, "PRL": 1, "SD": 0}


def change(value: float, reference: float) -> float:
    return 0.0 if reference <= 0 else value / reference - 1.0


def excess(visit: Visit) -> float:
    return max(visit["spleen"] - 13.0, 0.0)


def progressed(
    o: Visit, b: Visit, n: Visit, crit: str, on_drug: bool = True, months: float = 0.0, flare: bool = False
) -> bool:
    if o["richter"]:
        return True
    if not flare:
        grow = change(o["spd"], min(b["spd"], n["spd"]))
        if crit == "1996":
            if grow >= 0.5 and o["nodes"] >= 2 and o["longest"] >= 2.0:
                return True
        elif grow >= 0.5 and o["longest"] > 1.5:
            return True
        if o["new_node"]:
            return True
        if excess(o) >= 2.0 and excess(o) >= 1.5 * min(excess(b), excess(n)):
            return True
        if o["alc"] >= 5.0 and change(o["alc"], min(b["alc"], n["alc"])) >= 0.5:
            return True
    cytopenia = crit != "1996" and not on_drug and months >= 3 and o["leukemic_cytopenia"]
    return cytopenia and (o["platelets"] <= 0.5 * b["platelets"] or o["hemoglobin"] < b["hemoglobin"] - 2)


def category(o: Visit, b: Visit, crit: str, lymphocytosis: bool | None = None) -> str:
    if lymphocytosis is None:
        lymphocytosis = crit == "2018"
    clean = o["longest"] < 1.5 if crit == "2018" else o["longest"] <= 1.5
    clean = clean and o["spleen"] <= 13 and not o["liver"] and not o["symptoms"]
    clean = clean and (o["alc"] <= 4.0 if crit == "1996" else o["alc"] < 4.0)
    hem = o["platelets"] >= 100 and o["hemoglobin"] >= 11 and not o["transfused"]
    hem = hem and (o["anc"] >= 1.5 or crit == "2018")
    if clean and o["marrow"] is not None:
        marrow = (o["marrow"] <= 1.0 if crit == "2018" else o["marrow"] < 30) and not o["nodules"]
        if marrow and hem and not o["hypocellular"]:
            return "CR"
        if marrow and crit != "1996" and (o["hypocellular"] or o["drug_cytopenia"]):
            return "CRi"
        if crit == "1996" and o["marrow"] < 30 and o["nodules"] and hem:
            return "nPR"
    a = {}
    if b["alc"] >= 5:
        a["alc"] = change(o["alc"], b["alc"]) <= -0.5
    if b["longest"] > 1.5:
        a["nodes"] = change(o["spd"], b["spd"]) <= -0.5
    if excess(b) > 0:
        a["spleen"] = change(excess(o), excess(b)) <= -0.5
    counts = [
        o["platelets"] >= 100 or o["platelets"] >= 1.5 * b["platelets"],
        (o["hemoglobin"] >= 11 or o["hemoglobin"] >= 1.5 * b["hemoglobin"]) and not o["transfused"],
    ]
    if crit != "2018":
        counts.append(o["anc"] >= 1.5 or o["anc"] >= 1.5 * b["anc"])
    elif o["marrow"] is not None and b["marrow"]:
        counts.append(o["marrow"] <= 0.5 * b["marrow"])
    enough = bool(a) and all(a.values()) if crit == "1996" else sum(a.values()) >= min(2, max(1, len(a)))
    solid = [value for name, value in a.items() if name != "alc"]
    if lymphocytosis and not a.get("alc", True) and solid and all(solid) and any(counts):
        return "PRL"
    return "PR" if enough and any(counts) else "SD"


def best(visits: list[tuple[float, str]], confirm: float = 56) -> str:
    out = "NE"
    for i, (day, found) in enumerate(visits):
        if found == "PD":
            return "PD" if out == "NE" else out
        if out == "NE":
            out = "SD"
        low = RANK[found]
        for later, again in visits[i:]:
            if again == "PD":
                break
            low = min(low, RANK[again])
            if later - day >= confirm:
                if low > RANK[out]:
                    out = next(name for name, rank in RANK.items() if rank == low)
                break
    return out
