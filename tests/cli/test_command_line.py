import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import cereblon
import synthetic
from cereblon.cli.main import main
from cereblon.clinic.trial.load import trial_ids
from cereblon.clinic.trial.trial import Trial
from cereblon.errors import CereblonError
from cereblon.result import StudyResult

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stop:
            main(arguments)
        out, err = capsys.readouterr()
        return int(stop.value.code or 0), out, err

    return call


@pytest.fixture
def fake_study(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Put a simulation without a model in place of the real one and return what it was called with."""
    calls: list[dict[str, Any]] = []

    def run(trial: Trial, **options: Any) -> StudyResult:
        calls.append(options)
        options["progress"](1, 2, "cycle 1")
        if "unknown_parameter" in (options["overrides"] or {}):
            raise CereblonError("--set unknown_parameter: no such parameter")
        if "ctrl_c" in (options["overrides"] or {}):
            raise KeyboardInterrupt
        return synthetic.study(min(options["patients"], 40), seed=options["seed"], design=trial)

    monkeypatch.setattr("cereblon.result.run", run)
    return calls


def assert_one_line(answer: tuple[int, str, str], *words: str) -> None:
    code, out, err = answer
    assert code == 2
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith("cereblon: ")
    for word in words:
        assert word in err


def test_registry_as_table_and_as_json(cli: Cli) -> None:
    code, out, _ = cli("trials")
    assert code == 0
    assert max(len(line) for line in out.splitlines()) <= 100
    for name in trial_ids():
        assert name in out
    entries = json.loads(cli("trials", "--json")[1])
    assert [entry["id"] for entry in entries] == list(trial_ids())
    assert all(entry["arms"] and entry["published"] for entry in entries)


def test_run_ends_with_the_table_and_writes_the_folder(
    cli: Cli, fake_study: list[dict[str, Any]], tmp_path: Path
) -> None:
    code, out, err = cli("run", "badoux2011", "--patients", "30", "--seed", "4", "--out", "result")
    assert (code, err) == (0, "")
    assert max(len(line) for line in out.splitlines()) <= 100
    for words in (
        "Overall response (%)",
        "90 % interval",
        "T1",
        "endpoints lie inside",
        "report.html",
        "not reached",
    ):
        assert words in out
    assert (tmp_path / "result" / "report.html").stat().st_size > 1_000_000
    assert fake_study[0]["patients"] == 30
    assert fake_study[0]["seed"] == 4


def test_run_prints_the_object_of_the_issue(cli: Cli, fake_study: list[dict[str, Any]]) -> None:
    code, out, err = cli("run", "badoux2011", "--json", "--set", "x=1.5", "--set", "y=-2e-3", "--arm", "len")
    assert (code, err) == (0, "")
    summary = json.loads(out)
    assert summary["trial"] == "badoux2011"
    assert summary["arms"]["len"]["orr"]["published"] == 65
    assert fake_study[0]["overrides"] == {"x": 1.5, "y": -0.002}
    assert fake_study[0]["arms"] == ["len"]
    assert fake_study[0]["twins"] is False
    assert cli("run", "badoux2011", "--json", "--twins", "--out", "twins")[0] == 0
    assert fake_study[1]["twins"] is True
    assert Path("runs/badoux2011-seed-1/summary.json").exists()


def test_reproduce_runs_the_registry_and_counts(cli: Cli, fake_study: list[dict[str, Any]]) -> None:
    code, out, _ = cli("reproduce", "--patients", "20", "--json")
    assert code == 0
    answer = json.loads(out)
    assert list(answer["rows"]) == list(trial_ids())
    judged = [
        entry["inside"]
        for row in answer["rows"].values()
        for arm in row["arms"].values()
        for entry in arm.values()
        if entry["inside"] is not None
    ]
    assert (answer["inside"], answer["of"]) == (sum(judged), len(judged))
    assert {"all"} <= set(answer["rows"]["buhler2013"]["arms"])
    code, out, _ = cli("reproduce", "--patients", "20")
    assert f"{answer['inside']} of {answer['of']} published figures" in out
    assert max(len(line) for line in out.splitlines()) <= 100
    assert "badoux2011: Fewer patients were simulated than the trial has (20 for 60)" in out


def test_new_writes_a_file_that_check_accepts_and_refuses_to_overwrite(cli: Cli) -> None:
    assert cli("new", "mine.yaml")[0] == 0
    code, out, err = cli("check", "mine.yaml")
    assert (code, err) == (0, "")
    assert "no errors" in out
    assert_one_line(cli("new", "mine.yaml"), "mine.yaml")


def test_own_trial_runs(cli: Cli, fake_study: list[dict[str, Any]]) -> None:
    cli("new", "mine.yaml")
    code, out, _ = cli("run", "mine.yaml", "--json", "--patients", "20", "--out", "o")
    assert code == 0
    assert json.loads(out)["arms"]


def test_show_answers_for_model_parameter_and_trial(cli: Cli) -> None:
    assert "blood" in cli("show", "model", "alc")[1]
    _, out, _ = cli("show", "parameter", "len_ktr")
    for words in ("value", "unit", "spread between subjects", "source", "status"):
        assert words in out
    assert json.loads(cli("show", "parameter", "len_ktr", "--json")[1])["id"] == "len_ktr"
    _, out, _ = cli("show", "trial", "chanan-khan2006")
    for words in ("arm A (n = 29)", "recalled", "not reached", "tfr"):
        assert words in out


def test_a_run_of_another_request_is_replaced_by_force_alone(cli: Cli, fake_study: list[dict[str, Any]]) -> None:
    assert cli("run", "badoux2011", "-n", "30")[0] == 0
    assert cli("run", "badoux2011", "-n", "30")[0] == 0
    there = Path("runs/badoux2011-seed-1/run.json").read_bytes()
    for change in (
        ("-n", "20"),
        ("-n", "30", "--set", "len_clearance_scale=0.5"),
        ("-n", "30", "--knockout", "del17p_response"),
    ):
        assert_one_line(cli("run", "badoux2011", *change), "another request", "--force")
    assert len(fake_study) == 2  # refused before the work
    assert Path("runs/badoux2011-seed-1/run.json").read_bytes() == there
    assert cli("run", "badoux2011", "-n", "20", "--force")[0] == 0
    Path("runs/badoux2011-seed-1/notes.txt").write_text("a")
    assert_one_line(cli("run", "badoux2011", "-n", "20", "--force"), "notes.txt")


def test_the_current_folder_takes_a_result(cli: Cli, fake_study: list[dict[str, Any]]) -> None:
    code, out, err = cli("run", "badoux2011", "-n", "30", "--out", ".")
    assert (code, err) == (0, "")
    assert out.splitlines()[-1] == "Report: report.html"
    assert Path("run.json").exists()


def test_export_writes_sbml(cli: Cli) -> None:
    code, _, err = cli("export", "sbml", "model.xml")
    assert (code, err) == (0, "")
    assert Path("model.xml").read_text("utf-8").startswith("<?xml")
    assert_one_line(cli("export", "sbml", "no/such/folder/model.xml"), "does not exist")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "badoux2012"], ["badoux2012", "nearest", "badoux2011"]),
        (["run", "none.yaml"], ["none.yaml"]),
        (["run", "badoux2011", "--arm", "lem"], ["lem", "nearest: len"]),
        (["run", "badoux2011", "--set", "kill"], ["NAME=VALUE"]),
        (["run", "badoux2011", "--set", "kill=fast"], ["fast", "not a number"]),
        (["run", "badoux2011", "--set", "kill=nan"], ["finite"]),
        (["run", "badoux2011", "--set", "__import__('os')=1"], ["NAME=VALUE"]),
        (["run", "badoux2011", "--set", "a=1", "--set", "a=2"], ["twice"]),
        (["run", "badoux2011", "--set", "unknown_parameter=1"], ["unknown_parameter"]),
        (["run", "badoux2011", "--patients", "0"], ["--patients"]),
        (["run", "badoux2011", "--patients", "-5"], ["--patients"]),
        (["run", "badoux2011", "--patients", "many"], ["--patients"]),
        (["run", "badoux2011", "--seed", "-1"], ["--seed"]),
        (["run", "badoux2011", "--sed", "1"], ["--sed"]),
        (["run"], ["TRIAL"]),
        (["nonsense"], ["nonsense"]),
        (["show", "modle"], ["modle", "nearest: model"]),
        (["show", "model", "alcc"], ["alcc", "nearest", "alc"]),
        (["show", "parameter", "len_ktrr"], ["nearest", "len_ktr"]),
        (["show", "trial"], ["badoux2011"]),
        (["show", "trial", "chen2013"], ["chen2013", "nearest"]),
        (["check", "nothing.yaml2"], ["expected a trial file"]),
        (["check", "nothing.tsv"], ["does not exist"]),
        (["export", "excel", "x"], ["excel"]),
    ],
)
def test_mistakes_are_one_line_and_exit_code_two(
    cli: Cli, fake_study: list[dict[str, Any]], arguments: list[str], words: list[str], tmp_path: Path
) -> None:
    assert_one_line(cli(*arguments), *words)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("size:", "sise:", ["sise", "size"]),
        ("dose: 5 mg", "dose: 5 days", ["dose", "5 days"]),
        ("dose: 5 mg", "dose: -5 mg", ["dose"]),
        ("dose: 5 mg", "dose: 5000 mg", ["absurd"]),
        ("drug: lenalidomide", "drug: lenalidomid", ["unknown drug", "nearest: lenalidomide"]),
        (
            "days: 1-28}",
            "days: 1-28}\n  - {drug: allopurinol, dose: 100 mg, days: 28-30}",
            ["allopurinol", "day 28"],
        ),
    ],
)
def test_mistakes_in_a_trial_file_name_line_and_column(
    cli: Cli, fake_study: list[dict[str, Any]], old: str, new: str, words: list[str]
) -> None:
    cli("new", "mine.yaml")
    original = Path("mine.yaml").read_text("utf-8")
    position = next(i for i in range(len(original)) if original.startswith(old, i) and not _commented(original, i))
    Path("mine.yaml").write_text(original[:position] + new + original[position + len(old) :])
    code, out, err = cli("run", "mine.yaml")
    assert_one_line((code, out, err), *words)
    assert "mine.yaml:" in err
    assert [path.name for path in Path().iterdir()] == ["mine.yaml"]
    code, _, err = cli("check", "mine.yaml")
    assert code == 2
    assert "error" in err


def _commented(text: str, position: int) -> bool:
    return "#" in text[text.rfind("\n", 0, position) + 1 : position]


def test_model_text_with_an_undefined_name_or_code_is_refused(cli: Cli, tmp_path: Path) -> None:
    for name, text in {
        "undefined.ant": "model m\n  x' = -k*x;\n  x = 1;\nend\n",
        "code.ant": "import \"os\"\nmodel m\n x' = __import__('os').system('touch pwned');\nend\n",
    }.items():
        Path(name).write_text(text)
        code, _, err = cli("check", name)
        assert code == 2
        assert err.count("\n") == 1
        assert name in err
    assert not (tmp_path / "pwned").exists()


def test_parameter_table_without_a_unit_is_refused(cli: Cli) -> None:
    header = "id\tvalue\tunit\tdistribution\tspread\tgroup\tstatus\tsource\tevidence\torgan\tnote\n"
    Path("p.tsv").write_text(header + "k\t1\t\tnone\t\t\tassumed\tPK001\tassumed\tblood\t\n")
    code, _, err = cli("check", "p.tsv")
    assert code == 2
    assert "p.tsv:2" in err
    assert "unit" in err
    Path("p.tsv").write_text(header + "k\t1\tper_day\tnone\t\t\tassumed\tPK001\tassumed\tblood\t\n")
    assert cli("check", "p.tsv")[0] == 0


def test_packaged_documents_pass_their_own_check(cli: Cli) -> None:
    code, out, err = cli("check")
    assert (code, err) == (0, "")
    assert "no errors" in out


def test_output_folder_is_checked_before_the_simulation(
    cli: Cli, fake_study: list[dict[str, Any]], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("x")
    assert_one_line(cli("run", "badoux2011", "--out", "file"), "is a file")
    assert_one_line(cli("run", "badoux2011", "--out", "file/inside"), "cannot be written")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("x")
    assert_one_line(cli("run", "badoux2011", "--out", "full"), "no Cereblon run")
    if Path("/proc").is_dir():  # nobody can make a folder there, not even root
        assert_one_line(cli("run", "badoux2011", "--out", "/proc/run"), "cannot be written")
    assert fake_study == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_folder_without_permission_is_refused(cli: Cli, fake_study: list[dict[str, Any]], tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    assert_one_line(cli("run", "badoux2011", "--out", "closed/run"), "cannot be written")
    assert fake_study == []


def test_interrupt_ends_with_130_and_nothing_half_written(
    cli: Cli, fake_study: list[dict[str, Any]], tmp_path: Path
) -> None:
    code, out, err = cli("run", "badoux2011", "--set", "ctrl_c=1", "--out", "o")
    assert (code, out, err) == (130, "", "cereblon: interrupted\n")
    assert list(tmp_path.iterdir()) == []


def test_version_and_help(cli: Cli) -> None:
    assert cli("--version") == (0, f"cereblon {cereblon.__version__}\n", "")
    code, out, _ = cli("--help")
    assert code == 0
    for verb in ["trials", "run", "new", "check", "show", "export", "reproduce"]:
        assert verb in out


def test_help_is_light() -> None:
    command = [sys.executable, "-X", "importtime", "-m", "cereblon.cli.main", "--help"]
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    elapsed = time.perf_counter() - start
    for heavy in ("jax", "polars", "plotly", "scipy", "pydantic", "numpy"):
        assert f" {heavy}\n" not in done.stderr, f"--help imports {heavy}"
    assert elapsed < 2.0  # half a second on an idle machine


def test_public_door_is_lazy_and_complete() -> None:
    code = "import sys, cereblon; print(int('jax' in sys.modules or 'polars' in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "0\n"
    assert cereblon.load_trial("badoux2011").id == "badoux2011"
    assert cereblon.StudyResult is StudyResult
    with pytest.raises(AttributeError, match="nothing"):
        cereblon.nothing  # noqa: B018


def test_run_prints_the_warnings_of_check_and_the_report_keeps_them(
    cli: Cli, fake_study: list[dict[str, Any]], tmp_path: Path
) -> None:
    assert cli("new", "mine.yaml")[0] == 0
    file = tmp_path / "mine.yaml"
    uncovered = file.read_text("utf-8").replace(
        "  support:\n  - {drug: allopurinol, dose: 300 mg, days: 1-28}\n\nschedule", "\nschedule"
    )
    file.write_text(uncovered.replace("title: Lena", "assumptions:\n- {field: '<b>', choice: c, why: w}\ntitle: Lena"))
    code, _, err = cli("run", "mine.yaml", "--out", "out")
    warned = [line for line in err.splitlines() if "warning" in line]
    assert code == 0
    assert warned == [
        "my_trial: warning: assumptions[0].field: no field is called <b>",
        "my_trial: warning: arms[1].treatment[0].dose: a start at 10 mg without allopurinol: tumour lysis is likely",
    ]
    # the same, in the same words, as check says
    assert [line.partition("warning: ")[2] for line in warned] == [
        line.partition("warning: ")[2] for line in cli("check", "mine.yaml")[1].splitlines()[:-1]
    ]
    kept = [line.removeprefix("my_trial: warning: ") for line in warned]
    assert json.loads((tmp_path / "out" / "run.json").read_text("utf-8"))["warnings"] == kept
    assert json.loads((tmp_path / "out" / "summary.json").read_text("utf-8"))["warnings"] == kept
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert "<li>assumptions[0].field: no field is called &lt;b&gt;</li>" in page
    assert 'href="#s-warnings"' in page


def test_a_clean_trial_runs_without_a_warning(cli: Cli, fake_study: list[dict[str, Any]], tmp_path: Path) -> None:
    code, _, err = cli("run", "badoux2011", "--out", "out")
    assert code == 0
    assert "warning" not in err
    assert json.loads((tmp_path / "out" / "run.json").read_text("utf-8"))["warnings"] == []
    assert "s-warnings" not in (tmp_path / "out" / "report.html").read_text("utf-8")
