"""One module per figure of the report; each turns a result into a `Drawing`."""

from __future__ import annotations

from cereblon.report.figures.comparison import comparison as comparison
from cereblon.report.figures.dose import dose as dose
from cereblon.report.figures.kaplan_meier import kaplan_meier as kaplan_meier
from cereblon.report.figures.swimmer import swimmer as swimmer
from cereblon.report.figures.toxicity import toxicity as toxicity
from cereblon.report.figures.trajectories import trajectories as trajectories
from cereblon.report.figures.waterfall import waterfall as waterfall
