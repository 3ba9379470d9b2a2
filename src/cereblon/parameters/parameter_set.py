"""A set of parameters as one value: typical values, spreads, correlations, site numbers, effects and priors.

Every number has a name under which it is set, read and written:

    len_volume               typical value of a parameter, a number of the site, or an effect of a covariate
    len_volume.spread        spread of a parameter between subjects, on the scale of its distribution
    pk.correlation           correlation that the members of a group share
    th1_gain.prior           spread of what is uncertain about a parameter
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias

from cereblon.arguments import instance, numbers, shown
from cereblon.errors import CereblonError, nearest

from .limits import SOLVED, require_correlation, require_spread, require_value
from .rows import CORRELATIONS, EFFECTS, SITE, Prior, packaged_priors, packaged_rows

if TYPE_CHECKING:
    from cereblon.model import Model, Parameter

SPREAD: Final = ".spread"
CORRELATION: Final = ".correlation"
PRIOR: Final = ".prior"
NUMERICAL: Final = "condition."
"""Beginning of the effects that are settings of a method, such as the size of a pool, and no numbers of patients."""
_DIGITS: Final = 16
"""Hexadecimal digits of an id."""

Rows: TypeAlias = "Mapping[str, Parameter]"


@dataclass(frozen=True, eq=False)
class ParameterSet:
    """Every number that a run can be given; immutable, equal when the content is.

    `parameters`: the model's rows by id, with typical value and spread; `site_rows`: numbers of the clinic;
    `effect_rows`: effects between covariates; `correlation_rows`: by group; `priors`: by id of the parameter. Made by
    `create` or `packaged`, which check, and changed by `replace`.
    """

    parameters: Rows
    site_rows: Rows
    effect_rows: Rows
    correlation_rows: Rows
    priors: Mapping[str, Prior]

    @classmethod
    def packaged(cls, model: Model) -> ParameterSet:
        """Return the numbers of the model and of the packaged tables, as they are written. Raises CereblonError."""
        from cereblon.model import Model  # comes with the numerical libraries

        instance("model", model, Model, "a model from cereblon.load_model")
        return cls.create(
            model.parameters,
            packaged_rows(SITE),
            {name: row for name, row in packaged_rows(EFFECTS).items() if not name.startswith(NUMERICAL)},
            packaged_rows(CORRELATIONS),
            {name: prior for name, prior in packaged_priors().items() if name in model.parameters},
        )

    @classmethod
    def create(
        cls,
        parameters: Rows,
        site: Rows | None = None,
        effects: Rows | None = None,
        correlations: Rows | None = None,
        priors: Mapping[str, Prior] | None = None,
    ) -> ParameterSet:
        """Return a checked set of the rows of each table, by id (by group for correlations).

        Raises CereblonError for a value or spread that its row cannot have, an id that stands in two tables, a group
        without a correlation, and a prior of no parameter.
        """
        made = cls(
            MappingProxyType(dict(parameters)),
            MappingProxyType(dict(site or {})),
            MappingProxyType(dict(effects or {})),
            MappingProxyType(dict(correlations or {})),
            MappingProxyType(dict(priors or {})),
        )
        _require_apart(made)
        for row in made.parameters.values():
            if row.id not in SOLVED:
                require_value(row, row.value)
            require_spread(row.id + SPREAD, row.distribution, row.spread)
            if row.group and row.group not in made.correlation_rows:
                near = nearest(row.group, made.correlation_rows)
                raise CereblonError(f"parameter {row.id}: group '{row.group}' has no correlation{near}")
        for row in (*made.site_rows.values(), *made.effect_rows.values()):
            require_value(row, row.value)
        for name, row in made.correlation_rows.items():
            require_correlation(name + CORRELATION, row.value)
        for name, prior in made.priors.items():
            if name not in made.parameters:
                raise CereblonError(f"prior {name}: is of no parameter{nearest(name, made.parameters)}")
            require_spread(name + PRIOR, prior.distribution, prior.spread)
        return made

    @cached_property
    def values(self) -> Mapping[str, float]:
        """The typical value of every parameter of the model."""
        return _values(self.parameters)

    @cached_property
    def site(self) -> Mapping[str, float]:
        """The numbers of the clinic: cuts, hazards, measurement errors."""
        return _values(self.site_rows)

    @cached_property
    def effects(self) -> Mapping[str, float]:
        """The effects of covariates on each other."""
        return _values(self.effect_rows)

    @cached_property
    def correlations(self) -> Mapping[str, float]:
        """What the members of each group share."""
        return _values(self.correlation_rows)

    @cached_property
    def numbers(self) -> Mapping[str, float]:
        """Every number that can be set, by its name."""
        out = {name: value for name, value in self.values.items() if name not in SOLVED}
        out |= {name + SPREAD: row.spread for name, row in self.parameters.items() if row.distribution != "none"}
        out |= self.site
        out |= self.effects
        out |= {name + CORRELATION: value for name, value in self.correlations.items()}
        out |= {name + PRIOR: prior.spread for name, prior in self.priors.items()}
        return MappingProxyType(out)

    @cached_property
    def id(self) -> str:
        """Hash of the content, 16 hexadecimal digits: equal for sets that give equal draws and equal runs."""
        digest = hashlib.sha256()
        for table in ("parameters", "site_rows", "effect_rows", "correlation_rows"):
            for name, row in sorted(getattr(self, table).items()):
                kept = (table, name, row.value, row.spread, row.distribution, row.group, row.unit, row.individual)
                digest.update(f"{kept!r}\n".encode())
        for name, prior in sorted(self.priors.items()):
            kept_prior = ("priors", name, prior.distribution, prior.spread, prior.low, prior.high)
            digest.update(f"{kept_prior!r}\n".encode())
        return digest.hexdigest()[:_DIGITS]

    def __eq__(self, other: object) -> bool:
        """Whether the other is a set with the same content."""
        return isinstance(other, ParameterSet) and self.id == other.id

    def __hash__(self) -> int:
        """Hash of the content."""
        return hash(self.id)

    def __repr__(self) -> str:
        """Id and size: a set has hundreds of numbers."""
        return f"ParameterSet({self.id}, {len(self.numbers)} numbers)"

    def replace(self, changes: Mapping[str, float]) -> ParameterSet:
        """Return the set with some numbers changed, by name (see the module). Raises CereblonError.

        Refused are a name that the set does not have (said with the nearest), a value that is no finite number, and
        one that the row cannot have; zero is a knock-out.
        """
        given = numbers("parameters", changes)
        tables: dict[str, dict[str, Parameter]] = {}
        priors = dict(self.priors)
        for name, value in given.items():
            table, key = self._place(name)
            if table == "priors":
                require_spread(name, priors[key].distribution, value)
                priors[key] = replace(priors[key], spread=value)
                continue
            rows = tables.setdefault(table, dict(getattr(self, table)))
            rows[key] = _changed(rows[key], name, value, table)
        frozen = {table: MappingProxyType(rows) for table, rows in tables.items()}
        kept = {f.name: frozen.get(f.name, getattr(self, f.name)) for f in fields(self) if f.name != "priors"}
        return ParameterSet(**kept, priors=MappingProxyType(priors))

    def changes(self, other: ParameterSet) -> dict[str, float]:
        """Return the numbers of this set that the other has not, or has otherwise: ``other.replace`` of them is this.

        Raises CereblonError for sets of different models or tables, whose numbers have different names.
        """
        instance("other", other, ParameterSet, "a ParameterSet")
        if self.numbers.keys() != other.numbers.keys():
            name = min(self.numbers.keys() ^ other.numbers.keys())
            raise CereblonError(f"parameter {name}: only one of the two sets has it; expected sets of one model")
        return {name: value for name, value in self.numbers.items() if value != other.numbers[name]}

    def require_model(self, model: Model) -> None:
        """Refuse a model that has other parameters than this set. Raises CereblonError."""
        if odd := self.parameters.keys() ^ model.parameters.keys():
            who = "the model" if min(odd) in model.parameters else "the set"
            raise CereblonError(f"parameter {min(odd)}: only {who} has it; expected the set of this model")

    def _place(self, name: str) -> tuple[str, str]:
        """Return the table and the key of a number."""
        for table in ("parameters", "site_rows", "effect_rows"):
            if name in getattr(self, table):
                return table, name
        for suffix, table in ((SPREAD, "parameters"), (CORRELATION, "correlation_rows"), (PRIOR, "priors")):
            key = name.removesuffix(suffix)
            if key != name and key in getattr(self, table):
                return table, key
        said = shown(name).strip("'")
        raise CereblonError(f"parameter {said}: there is no such parameter{nearest(name, self.numbers)}")


def _changed(row: Parameter, name: str, value: float, table: str) -> Parameter:
    if table == "correlation_rows":
        require_correlation(name, value)
        return replace(row, value=value)
    if name != row.id:
        require_spread(name, row.distribution, value)
        return replace(row, spread=value)
    require_value(row, value)
    return replace(row, value=value)


def _values(rows: Rows) -> Mapping[str, float]:
    return MappingProxyType({name: row.value for name, row in rows.items()})


def _require_apart(made: ParameterSet) -> None:
    """Refuse two numbers of one name."""
    names = [*made.parameters, *made.site_rows, *made.effect_rows]
    names += [name + SPREAD for name in made.parameters]
    names += [name + CORRELATION for name in made.correlation_rows]
    names += [name + PRIOR for name in made.priors]
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise CereblonError(f"parameter {name}: stands in two tables; expected names of their own")
        seen.add(name)
