"""A set of parameters as a file: written exactly, read with suspicion."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cereblon.errors import CereblonError
from cereblon.model import load_model
from cereblon.parameters import ParameterSet, params_text, read_params, write_params

PACKAGED = ParameterSet.packaged(load_model())
VARIED = sorted(n for n, row in PACKAGED.parameters.items() if row.distribution == "lognormal")
FIXED = sorted(n for n in PACKAGED.site if PACKAGED.site[n] >= 0)
SIZES = st.floats(0, 1e30, allow_subnormal=True)


def test_what_is_written_is_read_to_the_same_bits(tmp_path: Path) -> None:
    third = PACKAGED.replace({"len_volume": 1 / 3, "len_volume.spread": 0.1 + 0.2, "pk.correlation": 2 / 3})
    write_params(third, tmp_path / "params.tsv")
    again = read_params(tmp_path / "params.tsv")
    assert again.id == third.id
    assert again.numbers == third.numbers
    lines = (tmp_path / "params.tsv").read_text("utf-8").splitlines()
    assert lines[0] == "id\tvalue\tspread"
    assert "len_volume\t0.3333333333333333\t0.30000000000000004" in lines
    assert len(lines) == 1 + sum(not name.endswith(".spread") for name in PACKAGED.numbers)


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(st.sampled_from(VARIED + FIXED), SIZES, max_size=9), st.floats(0, 8))
def test_any_set_comes_back(tmp_path_factory: pytest.TempPathFactory, changes: dict[str, float], spread: float) -> None:
    made = PACKAGED.replace({**changes, f"{VARIED[0]}.spread": spread})
    path = tmp_path_factory.getbasetemp() / "any.tsv"
    write_params(made, path)
    assert read_params(path).id == made.id
    assert params_text(read_params(path)) == params_text(made)


@pytest.mark.parametrize(
    "text",
    [
        "id\tvalue\nlen_volume\t50\n",
        "\ufeffid\tvalue\r\nlen_volume\t50\r\n",
        "value\tid\n50\tlen_volume",
        "id\tvalue\tspread\n# mine\n\n len_volume \t 50.0 \t\n",
        "id\tvalue\tspread\nlen_volume\t5e1\t0.4\n",
    ],
)
def test_a_file_may_hold_a_few_numbers(tmp_path: Path, text: str) -> None:
    path = tmp_path / "p.tsv"
    path.write_text(text, encoding="utf-8", newline="")
    assert read_params(path) == PACKAGED.replace({"len_volume": 50.0})


def test_a_file_changes_the_set_that_is_given(tmp_path: Path) -> None:
    path = tmp_path / "p.tsv"
    path.write_text("id\tvalue\tspread\nlen_volume\t50\t0.1\n", encoding="utf-8")
    base = PACKAGED.replace({"len_ktr": 100.0})
    changes = {"len_ktr": 100.0, "len_volume": 50.0, "len_volume.spread": 0.1}
    assert read_params(path, base).changes(PACKAGED) == changes


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "p.tsv:1: column '': expected id, value, spread"),
        ("id\tspread\n", "p.tsv:1: column 'value' is missing; found id, spread"),
        ("id\tvalu\n", "column 'valu': expected id, value, spread; nearest: value"),
        ("id\tvalue\tid\n", "p.tsv:1: column 'id' is given twice"),
        ("id\tvalue\tspread\tspread\n", "column 'spread' is given twice"),
        ("id\tvalue\nlen_volum\t1\n", "p.tsv:2: parameter len_volum: there is no such parameter; nearest: len_volume"),
        ("id\tvalue\nlen_volume\t1\n\nlen_volume\t2\n", "p.tsv:4: 'len_volume' is given twice, first in line 2"),
        (
            "id\tvalue\tspread\nlen_volume\t1\t0.1\nlen_volume.spread\t2\t\n",
            "p.tsv:3: 'len_volume.spread' is given twice, first in line 2",
        ),
        ("id\tvalue\nlen_volume\tabc\n", "p.tsv:2: value 'abc': expected a number"),
        ("id\tvalue\nlen_volume\t1_0\n", "p.tsv:2: value '1_0': expected a number"),
        ("id\tvalue\nlen_volume\t\u0661\n", "expected a number"),
        ("id\tvalue\nlen_volume\n", "p.tsv:2: value '': expected a number"),
        ("id\tvalue\nlen_volume\tnan\n", "p.tsv:2: value 'nan': expected a finite number"),
        ("id\tvalue\nlen_volume\t1e999\n", "expected a finite number"),
        ("id\tvalue\nlen_volume\t-1\n", "p.tsv:2: parameter len_volume=-1: cannot be negative"),
        ("id\tvalue\tspread\nlen_cl_floor\t60\t0.1\n", "p.tsv:2: .*does not vary between subjects"),
        ("id\tvalue\nlen_volume\t1\t2\n", "p.tsv:2: 3 cells; expected 2"),
        ("id\tvalue\ngrowth_scale\t1\n", "p.tsv:2: parameter growth_scale=1: is solved"),
        ("id\tvalue\n\x1b[31m\x00\t1\n", r"p.tsv:2: parameter \\x1b\[31m\\x00: there is no such parameter"),
        ("id\tvalue\n" + "a" * 100_000 + "\t1\n", "there is no such parameter"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "p.tsv"
    path.write_text(text, encoding="utf-8", newline="")
    with pytest.raises(CereblonError, match=words) as caught:
        read_params(path)
    said = str(caught.value)
    assert "\n" not in said
    assert said.isprintable()
    assert len(said) < 1000


def test_what_is_no_file_of_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CereblonError, match="does not exist: expected a table of parameters"):
        read_params(tmp_path / "none.tsv")
    with pytest.raises(CereblonError, match="not a regular file"):
        read_params(tmp_path)
    (tmp_path / "p.tsv").write_bytes(b"id\tvalue\n\xff\xfe\t1\n")
    with pytest.raises(CereblonError, match=r"p\.tsv:2: is not text in UTF-8"):
        read_params(tmp_path / "p.tsv")
    (tmp_path / "p.tsv").write_bytes(b"#" * 2_000_001)
    with pytest.raises(CereblonError, match="longer than"):
        read_params(tmp_path / "p.tsv")
