"""The model documents compiled: units checked, SBML for others, array equations for the engine.

What needs JAX is imported when it is asked for, so that `cards` can be read without it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .cards import DrugCard as DrugCard
    from .cards import Entry as Entry
    from .cards import drug_cards as drug_cards
    from .documents import Document as Document
    from .documents import DocumentError as DocumentError
    from .documents import Parameter as Parameter
    from .equations import Equation as Equation
    from .equations import Term as Term
    from .evaluate import Program as Program
    from .lint import check as check
    from .load import load_model as load_model
    from .load import load_model_text as load_model_text
    from .model import Model as Model
    from .sbml import ModelError as ModelError
    from .tables import TableError as TableError
    from .tables import read_parameters as read_parameters

_MODULES = {
    "cards": ("DrugCard", "Entry", "drug_cards"),
    "documents": ("Document", "DocumentError", "Parameter"),
    "equations": ("Equation", "Term"),
    "evaluate": ("Program",),
    "lint": ("check",),
    "load": ("load_model", "load_model_text"),
    "model": ("Model",),
    "sbml": ("ModelError",),
    "tables": ("TableError", "read_parameters"),
}
_LAZY = {name: module for module, names in _MODULES.items() for name in names}
__all__ = list(_LAZY)


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'cereblon.model' has no attribute '{name}'")
    found = getattr(import_module(f"cereblon.model.{_LAZY[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
