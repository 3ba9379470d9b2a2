"""The model documents compiled: units checked, SBML for others, array equations for the engine."""

from .check import check as check
from .documents import Document as Document
from .documents import DocumentError as DocumentError
from .documents import Drug as Drug
from .documents import Parameter as Parameter
from .equations import Equation as Equation
from .equations import Term as Term
from .evaluate import Program as Program
from .model import Model as Model
from .model import load_model as load_model
from .model import load_model_text as load_model_text
from .sbml import Finding as Finding
from .sbml import ModelError as ModelError
from .tables import TableError as TableError
from .tables import read_parameters as read_parameters
