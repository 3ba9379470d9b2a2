"""Parameters as one value, and the named random streams from which individual ones are drawn."""

from .draws import draw as draw
from .draws import draw_variability as draw_variability
from .files import params_text as params_text
from .files import read_params as read_params
from .files import write_params as write_params
from .limits import SOLVED as SOLVED
from .parameter_set import ParameterSet as ParameterSet
from .rows import Prior as Prior
