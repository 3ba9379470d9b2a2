"""The table of verdicts on a terminal."""

from rich.console import Console
from rich.measure import Measurement

from cereblon.report.claims_tables import verdict_table

COLUMNS = 100


def test_the_verdicts_fit_the_terminal_they_are_made_for() -> None:
    """One column more and the last, the evidence against, is cut."""
    console = Console(width=200)
    assert Measurement.get(console, console.options, verdict_table({})).maximum <= COLUMNS
