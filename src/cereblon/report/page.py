"""The report: one self-contained HTML page.

Everything that comes from a trial document is escaped: a user may open the report of a document that someone
else wrote.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from importlib.resources import files
from typing import TYPE_CHECKING

from cereblon.columns import MEASURED, MEASURES, OS, PFS, TRUE
from cereblon.outcomes.compare import POOLED, cohort_note, hits
from cereblon.report import figures
from cereblon.report.cohort import cohort_table
from cereblon.report.figures.comparison import interval_text, value_text
from cereblon.report.figures.trajectories import recorded, trajectory
from cereblon.report.people import people_words
from cereblon.report.style import Drawing, escape

if TYPE_CHECKING:
    from cereblon.clinic.trial.design import Citation
    from cereblon.outcomes.analysis import Analysis

_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; "
    "base-uri 'none'; form-action 'none'"
)
_READING = (
    "Simulated: median and middle 90 % of trials of the published size. The interval holds the chance of who enters "
    "a trial of that size and the small number of simulated subjects; uncertain parameters of the model and "
    "differences between trials are not in it. "
    "Inside: whether the published value lies in that interval, allowing for rounding in print. An asterisk "
    "marks a value that is recalled, not read; it is shown and not judged. NR: not reached."
)
_JUDGED = {True: '<span class="yes">yes</span>', False: '<span class="no">no</span>', None: "-"}


def _plotly() -> str:
    """Return the plotly.js source that the installed plotly package carries."""
    return (files("plotly") / "package_data" / "plotly.min.js").read_text("utf-8").replace("</script", "<\\/script")


def html_table(header: Sequence[str], rows: Iterable[Sequence[str]], style: str = "") -> str:
    """Return an HTML table; every cell is escaped."""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in header)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    kind = f' class="{style}"' if style else ""
    return f'<div class="scroll"><table{kind}><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def html_figure(drawing: Drawing, heading: str = "") -> str:
    """Return a figure: the plot, its caption, and the numbers behind it in a table that folds out."""
    data = json.dumps(drawing.spec, separators=(",", ":"), allow_nan=False).replace("</", "<\\/")
    caption = f'<figcaption class="caption">{escape(drawing.caption)}</figcaption>' if drawing.caption else ""
    table = ""
    if drawing.rows:
        inner = html_table(drawing.header, drawing.rows)
        table = f"<details><summary>Numbers behind this figure</summary>{inner}</details>"
    label = escape(drawing.title, quote=True)
    return (
        f"{heading}<figure>"
        f'<div class="plot" id="{drawing.name}" role="img" aria-label="{label}" '
        f'style="min-height:{drawing.height}px"></div>'
        f'<script type="application/json" id="{drawing.name}-data">{data}</script>{caption}{table}</figure>'
    )


def _citation(citation: Citation | None) -> str:
    if citation is None:
        return ""
    volume = f";{citation.volume}" if citation.volume else ""
    pages = f":{citation.pages}" if citation.pages else ""
    text = escape(f"{citation.authors.rstrip('.')}. {citation.journal} {citation.year}{volume}{pages}.")
    if citation.doi:
        doi = escape(citation.doi, quote=True)
        text += f' <a href="https://doi.org/{doi}" rel="noreferrer">doi:{doi}</a>'
    return f'<p class="quiet">{text}</p>'


def _comparison_table(result: Analysis) -> str:
    arms = list(dict.fromkeys(row.arm for row in result.comparisons))
    lines = []
    for arm in arms:
        if len(arms) > 1:
            name = "All arms together" if arm == POOLED else f"Arm {arm}"
            lines.append(f'<tr class="arm"><td colspan="7">{escape(name)}</td></tr>')
        for row in (row for row in result.comparisons if row.arm == arm):
            mark = "*" if row.confidence == "recalled" else ""
            unit = f", {row.endpoint.unit}"
            note = f' title="{escape(row.note, quote=True)}"' if row.note else ""
            n = str(row.published_n) if row.published_text and row.endpoint.kind != "cycles" else ""
            lines.append(
                f"<tr><td>{escape(row.endpoint.label)}<span class=quiet>{escape(unit)}</span></td>"
                f"<td{note}>{escape(row.published_text) or '-'}{mark}</td>"
                f'<td class="n">{n}</td><td class="source">{escape(row.source)}</td>'
                f""
                f"<td>{value_text(row.simulated)}</td><td>{interval_text(row)}</td><td>{_JUDGED[row.inside]}</td></tr>"
            )
    head = (
        '<th scope="col">Endpoint</th><th scope="col">Published</th><th scope="col" class="n">n</th>'
        '<th scope="col" class="source">Source</th><th scope="col">Simulated median</th>'
        '<th scope="col">90 % interval</th><th scope="col">Inside</th>'
    )
    return (
        f'<div class="scroll"><table class="compare"><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def _head(result: Analysis) -> str:
    trial = result.trial
    count, of = hits(result.comparisons)
    simulated = sum(data.subjects.size for data in result.arms.values())
    facts = [
        (str(simulated), "simulated subjects"),
        (str(sum(data.size for data in result.arms.values())), "subjects in the published design"),
        (f"{count} of {of}" if of else "-", "published figures inside the 90 % interval"),
        (str(result.seed), "seed"),
    ]
    if result.twins and len(result.arms) > 1:
        facts.insert(1, (str(result.patients), "people, the same in every arm (twins)"))
    if result.overrides:
        changed = ", ".join(f"{name} = {value:g}" for name, value in result.overrides.items())
        facts.append((changed, "parameters changed for this run"))
    listed = "".join(f"<li><b>{escape(value)}</b> {escape(what)}</li>" for value, what in facts)
    arms = "".join(f"<p>{escape(arm.id)}: {escape(arm.name)} (n = {arm.size})</p>" for arm in trial.arms)
    summary = f"<p>{escape(trial.summary)}</p>" if trial.summary else ""
    return (
        f'<header class="top"><p class="quiet">Cereblon virtual trial: {escape(trial.id)}</p>'
        f"<h1>{escape(trial.title)}</h1>{_citation(trial.citation)}{summary}{arms}"
        f'<ul class="facts">{listed}</ul></header>'
    )


def _sections(result: Analysis) -> list[tuple[str, str, str]]:
    """Return (anchor, heading, body) of each section."""
    header, rows = cohort_table(result)
    drawings = {
        "comparison": figures.comparison(result),
        "pfs": figures.kaplan_meier(result, PFS),
        "os": figures.kaplan_meier(result, OS),
        "waterfall": figures.waterfall(result),
        "swimmer": figures.swimmer(result),
        "dose": figures.dose(result),
        "toxicity": figures.toxicity(result),
    }
    people = people_words(result)
    outcomes = html_figure(drawings["comparison"]) + _comparison_table(result) + _caption(f"{_READING} {people}")
    if (note := cohort_note(result, result.arms)) is not None:
        outcomes += _caption(note)
    cohort = html_table(header, rows) + _caption(
        f"Median (range) or percent at baseline. A dash: not printed. {people}"
    )
    sheet = [
        *_warnings(result),
        ("outcomes", "Published and simulated outcomes", outcomes),
        ("cohort", "Cohort", cohort),
        *((name, drawings[name].title, html_figure(drawings[name])) for name in ("pfs", "os", "waterfall", "swimmer")),
        ("trajectories", "Counts, nodes and IgG over time", _trajectories(result)),
        *((name, drawings[name].title, html_figure(drawings[name])) for name in ("dose", "toxicity")),
    ]
    sheet += _words(result)
    return sheet


def _warnings(result: Analysis) -> list[tuple[str, str, str]]:
    if not result.warnings:
        return []
    lines = "".join(f"<li>{escape(line)}</li>" for line in result.warnings)
    words = "What `cereblon check` says of the trial document. The simulation did what the document asks."
    return [("warnings", "Warnings", f"<ul>{lines}</ul>{_caption(words)}")]


def _caption(text: str) -> str:
    return f'<p class="caption">{escape(text.strip())}</p>'


def _trajectories(result: Analysis) -> str:
    panels = []
    codes = recorded(result)
    for code in codes:
        drawing = trajectory(result, code)
        panels.append(f"<div>{html_figure(drawing, f'<h3>{escape(drawing.title)}</h3>')}</div>")
    words = (
        "Median (line), 25th to 75th percentile (dark band) and 5th to 95th percentile (light band) of "
        "the subjects with "
        "a visit at that time; subjects leave the picture when they leave the study."
    )
    if len(result.arms) > 1:
        words = "Median (line) and 25th to 75th percentile (band) of each arm's subjects with a visit then."
    for source, what in ((MEASURED, "As measured, with the errors of the laboratory"), (TRUE, "The true state")):
        labels = [MEASURES[code].label for code in codes if MEASURES[code].source == source]
        words += f" {what}: {', '.join(labels)}." if labels else ""
    return f'{_caption(words)}<div class="grid">{"".join(panels)}</div>'


def _words(result: Analysis) -> list[tuple[str, str, str]]:
    trial = result.trial
    out = []
    if trial.assumptions:
        rows = [(a.field, a.choice, a.why) for a in trial.assumptions]
        out.append(
            (
                "assumptions",
                "Choices where the report is silent",
                html_table(("Field", "Choice", "Why"), rows, "words"),
            )
        )
    if trial.sources:
        rows = [(s.id, s.what, s.url or "") for s in trial.sources]
        out.append(("sources", "Sources", html_table(("Id", "What", "Address"), rows, "words")))
    return out


def report_page(result: Analysis) -> str:
    """Return the whole report as HTML text, with plotly.js inside it once and no reference to anything
    outside.
    """
    here = files("cereblon.report")
    sections = _sections(result)
    links = " ".join(f'<a href="#s-{anchor}">{escape(heading)}</a>' for anchor, heading, _ in sections)
    body = "".join(f'<section id="s-{a}"><h2>{escape(h)}</h2>{text}</section>' for a, h, text in sections)
    versions = json.dumps(dict(result.meta), default=str)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f"<title>{escape(result.trial.id)} - Cereblon virtual trial</title>"
        f"<style>{(here / 'page.css').read_text('utf-8')}</style></head><body>"
        f"{_head(result)}<main><nav aria-label='Sections'>{links}</nav>"
        "<noscript><p>The figures need JavaScript; the numbers behind each are in the tables below "
        "it.</p></noscript>"
        f"{body}</main><footer><p>A simulation for research. It says nothing about how an individual "
        f"patient should be "
        f"treated.</p><p>Run: <code>{escape(versions)}</code></p></footer>"
        f"<script>{_plotly()}</script><script>{(here / 'page.js').read_text('utf-8')}</script></body></html>"
    )
