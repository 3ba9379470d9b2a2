"""From the tables of a run to numbers: rates, survival curves, and the comparison with published figures."""

from __future__ import annotations

from cereblon.outcomes.compare import Comparison as Comparison
from cereblon.outcomes.compare import compare as compare
from cereblon.outcomes.compare import summary_object as summary_object
from cereblon.outcomes.rates import Interval as Interval
from cereblon.outcomes.rates import clopper_pearson as clopper_pearson
from cereblon.outcomes.survival import Curve as Curve
from cereblon.outcomes.survival import kaplan_meier as kaplan_meier
