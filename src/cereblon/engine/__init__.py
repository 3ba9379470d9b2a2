"""Two clocks in one compiled 28-day cycle for a batch of subjects."""

from .cycle import Cycle as Cycle
from .cycle import Decide as Decide
from .cycle import build_cycle as build_cycle
from .day import Day as Day
from .health import Ailment as Ailment
from .health import NumericalError as NumericalError
from .health import ailing as ailing
from .health import require_healthy as require_healthy
from .simulate import course as course
from .simulate import simulate as simulate
from .state import State as State
