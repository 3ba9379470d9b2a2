"""What only a real run can refuse: one line, exit code 2, nothing written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from small_trials import edited, short

import cereblon
from cereblon.cli.main import main
from cereblon.errors import CereblonError

Refused = Callable[..., str]


@pytest.fixture
def refused(capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Refused:
    """Return the error line of a command that must fail and write nothing."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> str:
        before = sorted(tmp_path.rglob("*"))
        with pytest.raises(SystemExit) as stop:
            main(arguments)
        out, err = capfd.readouterr()
        assert stop.value.code == 2
        assert out == ""
        # a trial cut short for a test has visits after its end, of which run warns; the error is one line
        assert len([line for line in err.splitlines() if ": warning: " not in line]) == 1
        assert sorted(tmp_path.rglob("*")) == before
        return err

    return call


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("len_clearance_scal=1", ("len_clearance_scal", "no such parameter", "nearest: len_clearance_scale")),
        ("len_clearance_scale=-0.5", ("len_clearance_scale=-0.5", "cannot be negative", "dimensionless")),
        ("len_clearance_scale=1e39", ("len_clearance_scale=1e+39", "at most")),
        ("growth_scale=2", ("growth_scale", "is solved for every subject")),
    ],
)
def test_impossible_setting_is_refused_before_the_run(refused: Refused, setting: str, words: tuple[str, ...]) -> None:
    err = refused("run", "badoux2011", "--patients", "5", "--set", setting)
    assert err.startswith("cereblon: parameter ")
    for word in words:
        assert word in err


def test_value_the_model_cannot_take_names_subjects_and_setting(refused: Refused, tmp_path: Path) -> None:
    edited("badoux2011", tmp_path / "mine.yaml")
    err = refused("run", "mine.yaml", "--patients", "2", "--set", "blood_volume=0", "--out", "new/out")
    assert "the model failed for subject 1" in err
    assert "subject 2" in err
    assert "more" not in err  # the padding of the block is nobody
    assert "blood_volume=0" in err


@pytest.mark.parametrize("out", ["mine.yaml", "mine.yaml/out", "full"])
def test_place_that_cannot_be_written(refused: Refused, tmp_path: Path, out: str) -> None:
    edited("badoux2011", tmp_path / "mine.yaml")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("all of it")
    assert f"output folder '{out}'" in refused("run", "mine.yaml", "--patients", "5", "--out", out)


def test_python_verb_checks_the_same(tmp_path: Path) -> None:
    trial = short("buhler2013", tmp_path / "mine.yaml")
    known = trial.arms[0].id
    for options, words in (
        ({"patients": 0}, "patients: 0 is outside"),
        ({"patients": -3}, "patients: -3 is outside"),
        ({"patients": 10**7}, "patients: 10000000 is outside"),
        ({"patients": 2.5}, "patients: 2.5: expected a whole number"),
        ({"patients": "4"}, "patients: '4': expected a whole number"),
        ({"patients": True}, "patients: True: expected a whole number"),
        ({"seed": -1}, "seed: -1 is outside"),
        ({"seed": 1.5}, "seed: 1.5: expected a whole number"),
        ({"seed": "1"}, "seed: '1'"),
        ({"seed": True}, "seed: True"),
        ({"seed": None}, "seed: None"),
        ({"arms": known}, "arms: .*expected a list such as"),
        ({"arms": 1}, "arms: 1: expected a list"),
        ({"arms": [1]}, "arms: 1: expected text"),
        ({"arms": ["\x1b[31m"]}, r"arm '\\x1b\[31m'"),
        ({"overrides": {"len_clearance_scale": "a"}}, "parameter len_clearance_scale: 'a': expected a number"),
        ({"overrides": {"len_clearance_scale": None}}, "expected a number"),
        ({"overrides": {"len_clearance_scale": True}}, "True: expected a number"),
        ({"overrides": {"len_clearance_scale": 10**400}}, "finite"),
        ({"overrides": {1: 1.0}}, "overrides: 1: expected the name"),
        ({"overrides": [("len_clearance_scale", 1.0)]}, "overrides: .*expected a dictionary"),
        ({"overrides": {"len_clearance_scal": 1.0}}, "parameter len_clearance_scal: .*nearest: len_clearance_scale"),
        ({"out": 123}, "out: 123: expected a path"),
        ({"out": ""}, "out: '': expected a path"),
        ({"progress": 5}, "progress: 5: expected a function"),
        ({"arms": [known + "0"]}, f"nearest: {known}"),
        ({"arms": []}, "at least one"),
        ({"overrides": {"len_clearance_scale": float("nan")}}, "finite"),
        ({"overrides": {"len_clearance_scale": float("inf")}}, "finite"),
    ):
        with pytest.raises(CereblonError, match=words) as caught:
            cereblon.run(trial, **{"out": tmp_path / "out", **options})  # type: ignore[arg-type]
        assert "\n" not in str(caught.value)
        assert "--" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.yaml"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('model m\n  import "/etc/passwd"\n  x\' = 1; x = 1;\nend\n', "'import' is not allowed"),
        ("function f(a)\n  a*a;\nend\nmodel m\n  x' = f(x); x = 1;\nend\n", "'function' is not allowed"),
        ("model m\n  x' = 1; x = 1; at time > 1: x = 0;\nend\n", "'at' is not allowed"),
        ("model m\n  x' = exec(x); x = 1;\nend\n", "unknown function 'exec'; nearest: exp"),
        ("model m\n  x' = k*x; x = 1;\nend\n", "'k' is used but not defined"),
        ("model m\n  x' = (lambda: 1)(); x = 1;\nend\n", "syntax error"),
        ("!!python/object/apply:os.system ['touch pwned']", "syntax error"),
        ("model m\n  x' = 9^9^9^9^9*x; x = 1;\nend\n", "too large"),
        (
            "model m\n  x' = " + "sin(" * 1200 + "x" + ")" * 1200 + "; x = 1;\nend\n",
            "more than 100 parentheses inside each other",
        ),
    ],
)
def test_model_text_is_read_never_run(refused: Refused, tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "evil.ant").write_text(text)
    err = refused("check", "evil.ant")
    assert err.startswith("evil.ant")
    assert words in err
