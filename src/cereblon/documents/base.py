"""What every part of a trial document has in common: no unknown fields, no change after reading, no way round it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Self, cast

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic_core import PydanticCustomError

from cereblon.documents.problems import one_line
from cereblon.documents.quantities import AS_STORED
from cereblon.errors import CereblonError

if TYPE_CHECKING:
    from pydantic._internal._model_construction import ModelMetaclass
else:
    ModelMetaclass = type(BaseModel)  # which has no public name


class _Constructed(ModelMetaclass):
    """Makes a document that cannot be a CereblonError of one line, where it is made by its class.

    Parts within a document are not made this way: their problems keep their place in it.
    """

    def __call__(cls, *args: Any, **values: Any) -> Any:
        try:
            return super().__call__(*args, **values)
        except ValidationError as invalid:
            raise CereblonError(one_line(invalid, cast(type[BaseModel], cls))) from invalid


class Document(BaseModel, metaclass=_Constructed):
    """A frozen part of a trial document; unknown fields are an error, not a silent no-op.

    Every way to make one validates it, those included that Pydantic leaves unchecked for speed: `model_copy`,
    `model_construct`, and what rests on them (`copy`, `construct`, `copy.replace`).
    """

    # a field whose name Python keeps for itself (`from`) has it as an alias, in documents and in what is written
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, serialize_by_alias=True)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy with the fields of `update` replaced, validated like a document that was read.

        update: field -> value, as the attribute holds it (a quantity: number in its stored unit) or as a document
        writes it ("5 mg"); parts that are documents themselves are valid already and kept as they are.
        Raises CereblonError in one line for an unknown field or an impossible value.
        """
        changed = self if update is None else self._checked({**self._written(), **update})
        return BaseModel.model_copy(changed, deep=deep)

    @classmethod
    def model_construct(cls, _fields_set: set[str] | None = None, **values: Any) -> Self:
        """Return a document of these field values, validated; see `model_copy`. `_fields_set` is not used."""
        return cls._checked(values)

    def copy(self, **options: Any) -> Self:
        """Return `model_copy` of the options that it knows; the others would leave fields out and are refused."""
        partial = sorted(set(options) - {"update", "deep"})
        if partial:
            raise CereblonError(f"{type(self).__name__}: {', '.join(partial)}: a copy has all fields of a document")
        return self.model_copy(**options)

    def _written(self) -> dict[str, Any]:
        """Return the fields that were given, not filled in by default, as the attributes hold them."""
        return {name: getattr(self, name) for name in type(self).model_fields if name in self.model_fields_set}

    def __setattr__(self, name: str, value: Any) -> None:
        """Refuse a change, in one line; what is to differ is made anew."""
        raise CereblonError(f"{type(self).__name__}.{name}: a document does not change; model_copy makes another")

    def __delattr__(self, name: str) -> None:
        """Refuse to lose a field."""
        raise CereblonError(f"{type(self).__name__}.{name}: a document does not change; model_copy makes another")

    @classmethod
    def _checked(cls, values: Mapping[str, Any]) -> Self:
        try:
            return cls.model_validate(dict(values), context=AS_STORED, by_alias=True, by_name=True)
        except ValidationError as invalid:
            raise CereblonError(one_line(invalid, cls)) from invalid


Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)]
"""A line or a paragraph of plain words."""
Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
"""A short identifier, usable as a file or column name."""
Whole = Annotated[int, Field(strict=True, ge=0, le=1_000_000)]
"""A whole number, zero included."""
Size = Annotated[int, Field(strict=True, ge=1, le=100_000)]
"""A number of subjects."""
Number = Annotated[float, Field(strict=True, ge=0, le=1e6)]
"""A number that is not negative; its unit is in the field's name."""
Percent = Annotated[float, Field(strict=True, ge=0, le=100)]
"""Percent of subjects, 0-100."""
Age = Annotated[float, Field(strict=True, ge=18, le=110)]
"""Age in years."""


def problem(why: str, at: tuple[str | int, ...] = ()) -> PydanticCustomError:
    """Return an error that a validator can raise: `why` in words, `at` the path below the validated part."""
    return PydanticCustomError("design", "{why}", {"why": why, "at": at})
