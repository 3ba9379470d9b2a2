"""Cereblon: virtual trials of lenalidomide in chronic lymphocytic leukemia.

    import cereblon

    trial = cereblon.load_trial("badoux2011")
    result = cereblon.run(trial, patients=500, seed=1)
    result.summary()
    result.table("visits")
    result.plot.kaplan_meier()

Names are imported when they are first used: `import cereblon` costs milliseconds, the numerical libraries
come with `run`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from cereblon.errors import CereblonError as CereblonError
from cereblon.errors import CereblonWarning as CereblonWarning
from cereblon.version import __version__ as __version__

if TYPE_CHECKING:
    from cereblon.clinic.trial.load import load_trial as load_trial
    from cereblon.clinic.trial.load import trial_ids as trial_ids
    from cereblon.clinic.trial.trial import Trial as Trial
    from cereblon.evidence.documents import knockout as knockout
    from cereblon.evidence.verdicts import run_claims as run_claims
    from cereblon.model import Model as Model
    from cereblon.model import load_model as load_model
    from cereblon.parameters import ParameterSet as ParameterSet
    from cereblon.parameters import read_params as read_params
    from cereblon.parameters import write_params as write_params
    from cereblon.result import StudyResult as StudyResult
    from cereblon.result import run as run


_LAZY = {
    "Model": "cereblon.model",
    "ParameterSet": "cereblon.parameters",
    "StudyResult": "cereblon.result",
    "Trial": "cereblon.clinic.trial.trial",
    "knockout": "cereblon.evidence.documents",
    "load_model": "cereblon.model",
    "load_trial": "cereblon.clinic.trial.load",
    "read_params": "cereblon.parameters",
    "run": "cereblon.result",
    "run_claims": "cereblon.evidence.verdicts",
    "trial_ids": "cereblon.clinic.trial.load",
    "write_params": "cereblon.parameters",
}
_COMPUTES = ("load_model", "Model", "read_params", "run", "run_claims")
"""Names whose modules import JAX, which an environment may stop."""
__all__ = ["CereblonError", "CereblonWarning", "__version__", *_LAZY]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'cereblon' has no attribute '{name}'")
    if name in _COMPUTES:
        from cereblon.environment import check_environment

        check_environment()
    return getattr(import_module(_LAZY[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
