"""The `result.plot` namespace: each figure as a plotly Figure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from cereblon.columns import PFS
from cereblon.errors import CereblonError, nearest
from cereblon.report import figures
from cereblon.report.style import Drawing

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from cereblon.outcomes.analysis import Analysis


def _figure(drawing: Drawing) -> go.Figure:
    import plotly.graph_objects as go

    return go.Figure(drawing.spec)


class UnknownFigure(CereblonError, AttributeError):
    """A figure that does not exist; an AttributeError too, as Python asks of an attribute."""


@dataclass(frozen=True)
class Plots:
    """Figures of one result; every method returns a `plotly.graph_objects.Figure`."""

    result: Analysis

    def __getattr__(self, name: str) -> NoReturn:
        known = [figure for figure in vars(Plots) if not figure.startswith("_")]
        raise UnknownFigure(f"plot '{name}': there are {', '.join(known)}{nearest(name, known)}")

    def comparison(self) -> go.Figure:
        """Return published and simulated values of every endpoint."""
        return _figure(figures.comparison(self.result))

    def kaplan_meier(self, parameter: str = PFS) -> go.Figure:
        """Return the Kaplan-Meier curve of "PFS", "OS", "TTF" or "DOR", with numbers at risk.

        Raises CereblonError for another parameter, and for "DOR" when nobody responded.
        """
        return _figure(figures.kaplan_meier(self.result, parameter))

    def waterfall(self) -> go.Figure:
        """Return the best change of nodes and lymphocytes, subject by subject."""
        return _figure(figures.waterfall(self.result))

    def swimmer(self) -> go.Figure:
        """Return time on treatment, subject by subject."""
        return _figure(figures.swimmer(self.result))

    def trajectories(self) -> go.Figure:
        """Return counts, nodes and IgG over time with percentile bands."""
        return _figure(figures.trajectories(self.result))

    def dose(self) -> go.Figure:
        """Return the lenalidomide actually given, by cycle."""
        return _figure(figures.dose(self.result))

    def toxicity(self) -> go.Figure:
        """Return adverse events by worst grade."""
        return _figure(figures.toxicity(self.result))
