"""Tables on the screen, readable at 100 columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.style import Style
from rich.table import Table
from rich.text import Text

from cereblon.errors import visible, visible_lines
from cereblon.outcomes.compare import POOLED, Comparison, cohort_note, hits
from cereblon.outcomes.endpoints import STANDARD
from cereblon.report.figures.comparison import interval_text, value_text
from cereblon.report.people import people_words

if TYPE_CHECKING:
    from cereblon.clinic.trial.plan import CoursePlan
    from cereblon.clinic.trial.trial import Trial
    from cereblon.outcomes.analysis import Analysis

WIDTH = 100  # columns when the output is a file or a pipe
_JUDGED = {True: Text("yes", style="green"), False: Text("no", style="bold red"), None: Text("-")}


class Screen(Console):
    """A console on which text is shown as it is written.

    Titles, names and notes come from documents that anybody may have sent: their brackets are no markup, their
    colons no emoji, and what is no letter (an escape of the terminal, a mark that turns the direction of writing) is
    written out. Styles come from `Text` objects alone.
    """

    def render_str(self, text: str, **options: Any) -> Text:
        """Return text as it is written; rich asks for this wherever it is given a str."""
        style, justify, overflow = (options.get(key) for key in ("style", "justify", "overflow"))
        return literal(text, style or "", justify=justify, overflow=overflow)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yield the segments of anything printed, whatever made it, without control characters in their text."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=visible_lines(segment.text))


def literal(text: str, style: str | Style = "", **options: Any) -> Text:
    """Return text that rich shows as it is written, line ends kept."""
    return Text(visible_lines(text), style=style, **options)


class Screened(Table):
    """A table whose cells, headers and title are shown as they are written, on any console of rich."""

    def add_row(self, *cells: RenderableType | None, **options: Any) -> None:
        """Add a row; a str is shown as it is written, on one line."""
        super().add_row(*(Text(visible(cell)) if isinstance(cell, str) else cell for cell in cells), **options)


def console(stderr: bool = False) -> Console:
    """Return a console: the terminal's own width, or 100 columns where there is no terminal."""
    probe = Screen(stderr=stderr, highlight=False)
    return probe if probe.is_terminal else Screen(stderr=stderr, highlight=False, width=WIDTH)


def table(header: Sequence[str], right: Sequence[int] = (), title: str = "") -> Table:
    """Return an empty table; `right` are the columns of numbers."""
    shown = Text(visible(title), style="bold") if title else None
    out = Screened(box=box.SIMPLE_HEAD, title=shown, title_justify="left", title_style="bold", pad_edge=False)
    for index, name in enumerate(header):
        out.add_column(Text(visible(name)), justify="right" if index in right else "left", overflow="fold")
    return out


def _row(row: Comparison, label: str) -> tuple[str | Text, ...]:
    unit = row.endpoint.unit
    mark = "*" if row.confidence == "recalled" else ""
    n = str(row.published_n) if row.published_text and row.endpoint.kind != "cycles" else ""
    return (
        f"{label} ({unit})",
        (row.published_text or "-") + mark,
        n,
        row.source,
        value_text(row.simulated),
        interval_text(row),
        _JUDGED[row.inside],
    )


def outcome_table(result: Analysis) -> Table:
    """Return the table that ends a run: published with n and source, simulated median and 90 % interval."""
    header = ("Endpoint", "Published", "n", "Source", "Simulated", "90 % interval", "Inside")
    out = table(header, right=(1, 2, 4, 5), title=result.trial.title)
    arms = list(dict.fromkeys(row.arm for row in result.comparisons))
    for arm in arms:
        if len(arms) > 1:
            name = "all arms together" if arm == POOLED else f"arm {arm}"
            out.add_row(literal(name, "bold"))
        for row in (row for row in result.comparisons if row.arm == arm):
            out.add_row(*_row(row, row.endpoint.label))
        out.add_section()
    return out


def outcome_notes(result: Analysis) -> list[str]:
    """Return the lines under the table: how to read it, and what does not have a number."""
    count, of = hits(result.comparisons)
    lines = [
        "Simulated: median and middle 90 % of trials of the published size.",
        f"{count} of {of} published figures of the standard endpoints lie inside."
        if of
        else "Nothing was published to compare with.",
    ]
    if words := people_words(result):
        lines.append(words)
    if (note := cohort_note(result, result.arms)) is not None:
        lines.append(note)
    open_ended = [r for r in result.comparisons if r.endpoint.kind == "median" and None in (r.simulated, *r.p90)]
    if open_ended:
        lines.append("NR, not reached: fewer than half of the subjects had the event by the end of follow-up.")
    if any(row.confidence == "recalled" for row in result.comparisons):
        lines.append("* recalled, not read in a source: shown, not judged.")
    return lines


def registry_table(trials: Sequence[Trial]) -> Table:
    """Return the registry: one line per trial."""
    given = {(c.drug, c.unit) for trial in trials for place in range(len(trial.arms)) for c in _courses(trial, place)}
    one = next(iter(given)) if len(given) == 1 else None  # one drug in all stands in the header
    doses = "Treatment" if one is None else f"{one[0].capitalize()} ({one[1]})"
    out = table(("Trial", "Report", "Setting", "n", doses, "ORR (%)", "Arms"), right=(3, 5))
    for trial in trials:
        out.add_row(*registry_row(trial, named=one is None))
    return out


def registry_row(trial: Trial, named: bool = False) -> tuple[str, ...]:
    """Return one line of the registry; named: with the drug and the unit of every dose."""
    report = f"{trial.citation.journal} {trial.citation.year}" if trial.citation else ""
    orr = [f for f in trial.published if f.endpoint == "orr" and f.value is not None]
    doses = "; ".join(dict.fromkeys(_doses(trial, index, named) for index in range(len(trial.arms))))
    shown = f"{orr[0].value:g}" if orr else "-"
    return (
        trial.id,
        report,
        trial.setting,
        str(trial.size),
        doses,
        shown,
        ", ".join(arm.id for arm in trial.arms),
    )


def _courses(trial: Trial, index: int) -> list[CoursePlan]:
    return [course for phase in trial.plans[index].phases for course in phase.courses if course.treatment]


def _doses(trial: Trial, index: int, named: bool) -> str:
    """Return the planned doses of an arm, first to last, of each drug of its treatment in its unit."""
    shown = []
    for course in _courses(trial, index):
        planned = [course.ladder[place] for place in (course.planned[0], course.planned[-1])]
        text = " to ".join(dict.fromkeys(f"{dose:g}" for dose in planned))
        per = course.basis.replace("flat", "").replace("per_", "/")
        shown.append(f"{course.drug} {text} {course.unit}{per}" if named else text)
    return ", ".join(dict.fromkeys(shown)) or "-"


def reproduce_table(results: Mapping[str, Sequence[Comparison]]) -> Table:
    """Return all judged or printed standard figures of several trials in one table."""
    header = ("Trial", "Endpoint", "Published", "n", "Simulated", "90 % interval", "Inside")
    out = table(header, right=(2, 3, 4, 5))
    for trial, rows in results.items():
        first = True
        for row in rows:
            if row.key not in STANDARD or not row.published_text:
                continue
            arm = "" if row.arm == POOLED or len({r.arm for r in rows}) == 1 else f", arm {row.arm}"
            cells = _row(row, row.endpoint.label + arm)
            out.add_row(trial if first else "", *cells[:3], *cells[4:])
            first = False
        out.add_section()
    return out
