"""`check`, `run` and `assay` on files of every kind: read, or refused at once in one line."""

import os
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cereblon.cli.main import main
from cereblon.clinic.trial.load import load_trial, template_text
from cereblon.errors import CereblonError
from cereblon.evidence.documents import load_assay
from cereblon.model import TableError, load_model_text, read_parameters
from cereblon.model.tables import packaged_table

SUFFIXES = (".ant", ".txt", ".tsv", ".yaml", ".yml", ".json")
HEADER = "id\tvalue\tunit\tdistribution\tspread\tgroup\tstatus\tsource\tevidence\torgan\tnote\n"
ROW = "k\t1\tper_day\tnone\t\t\tassumed\tS\tread\t\t{note}\n"


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as stop:
            main(arguments)
        out, err = capsys.readouterr()
        return int(stop.value.code or 0), out + err

    return call


def refused(answer: tuple[int, str], *words: str) -> None:
    code, text = answer
    assert code == 2
    assert text.count("\n") == 1
    assert len(text) < 1_000
    for word in words:
        assert word in text


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_is_no_regular_file_is_refused_at_once(cli: Callable[..., Any], tmp_path: Path, suffix: str) -> None:
    pipe, folder, device, plug = (f"{name}{suffix}" for name in ("pipe", "folder", "device", "socket"))
    os.mkfifo(pipe)
    os.mkdir(folder)
    os.symlink("/dev/zero", device)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(plug)
        began = time.monotonic()
        for name, kind in ((pipe, "a named pipe"), (folder, "a folder"), (device, "a device"), (plug, "a socket")):
            refused(cli("check", name), name, f"is not a regular file but {kind}")
            if suffix == ".yaml":
                refused(cli("run", name), name, "is not a regular file")
                refused(cli("assay", name), name, "is not a regular file")
        assert time.monotonic() - began < 5


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"x" * 50_000_000, "bytes"),
        ("x = 1\n".encode("utf-16"), "UTF-8"),
        (b"x = 1\n\x00\n", ""),
        (b"\xff\xfe", "UTF-8"),
        (b"caf\xe9 = 1\n", "UTF-8"),
        (b"", ""),
    ],
)
def test_no_content_breaks_check(
    cli: Callable[..., Any], tmp_path: Path, suffix: str, content: bytes, word: str
) -> None:
    (tmp_path / f"a{suffix}").write_bytes(content)
    code, text = cli("check", f"a{suffix}")
    if content == b"" and suffix in (".ant", ".txt"):
        assert (code, text) == (0, f"a{suffix}: no errors, 0 warnings\n")
        return
    refused((code, text), f"a{suffix}", word)


def test_a_link_is_followed(cli: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "p.tsv").write_text(HEADER + ROW.format(note=""), encoding="utf-8")
    os.symlink("p.tsv", "link.tsv")
    assert cli("check", "link.tsv") == (0, "link.tsv: no errors, 0 warnings\n")
    refused(cli("check", "none.tsv"), "does not exist")


@pytest.mark.parametrize("name", ["upper.YAML", "mixed.Yml", "UPPER.JSON"])
def test_check_and_run_agree_on_what_is_a_trial_file(cli: Callable[..., Any], tmp_path: Path, name: str) -> None:
    if name == "UPPER.JSON":
        (tmp_path / name).write_text(
            load_trial("chen2011").model_copy(update={"id": "own"}).model_dump_json(), encoding="utf-8"
        )
    else:
        (tmp_path / name).write_text(template_text(), encoding="utf-8")
    assert cli("check", name)[0] == 0
    assert load_trial(name).id == load_trial(tmp_path / name).id


def test_byte_order_marks_are_taken_everywhere(cli: Callable[..., Any], tmp_path: Path) -> None:
    mark = b"\xef\xbb\xbf"
    (tmp_path / "t.tsv").write_bytes(mark + packaged_table("patient/parameters.tsv").encode())
    assert cli("check", "t.tsv") == (0, "t.tsv: no errors, 0 warnings\n")
    (tmp_path / "t.yaml").write_bytes(mark + template_text().encode())
    assert cli("check", "t.yaml")[0] == 0
    (tmp_path / "m.ant").write_bytes(mark + b"S1' = -k*S1\r\nS1 = 10\r\nk = 0.1\r\n")
    text = cli("check", "m.ant")[1]
    assert "m.ant:1: error: rate 'S1' has no source" in text
    assert load_model_text("\ufeffx = 1\n").parameters["x"].value == 1
    assert list(read_parameters("\ufeff" + HEADER + ROW.format(note=""))) == ["k"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            HEADER + ROW.format(note="n" * 131_073),
            "p.tsv:2: note: a cell of 131,073 characters; expected at most 10,000",
        ),
        ("x" * 2_000_000, "longer than 1,000,000 characters"),
        ("x" * 900_000, "p.tsv:1: column 'id' is missing; found xxx"),
        ("\t".join(f"c{i}" for i in range(900)), "found c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11 and 888 more"),
        (HEADER.replace("value", "valu"), "p.tsv:1: column 'value' is missing; found id, valu, unit"),
        (HEADER.replace("value", "valu"), "; nearest: valu"),
        (HEADER + ROW.format(note="a\x1b[2Jb"), r"p.tsv:2: note: control character \x1b"),
        (HEADER + ROW.format(note="a\x00b"), r"p.tsv:2: note: control character \x00"),
        (HEADER + ROW.format(note="").replace("k", "é", 1), "id 'é' is not a name"),
        (HEADER + ROW.format(note="").replace("k", "end", 1), "id 'end' is not a name"),
        (HEADER + ROW.format(note="").replace("k", "k" * 400, 1), "id 'kkk"),
        (HEADER + ROW.format(note="").replace("per_day", 'per_day; import "a"'), "expected a unit such as per_day"),
        (HEADER + ROW.format(note="").replace("per_day", "per_day /* x"), "expected a unit such as per_day"),
        (HEADER + ROW.format(note="").replace("per_day", "\u03bcg"), "unit '\u03bcg'; expected a unit"),
        (HEADER + ROW.format(note="").replace("\t1\t", "\t1_0\t"), "value '1_0' is not a number"),
        (HEADER + ROW.format(note="").replace("\t1\t", "\t\uff11\t"), "is not a number"),
        (HEADER + ROW.format(note="").replace("\t1\t", "\t" + "9" * 5_000 + "\t"), "is not finite"),
        (HEADER + ROW.format(note="").replace("assumed", "a" * 9_000), "expected one of measured"),
        ("", "p.tsv: empty"),
        ("\n\n", "p.tsv: empty"),
    ],
)
def test_a_wrong_table_is_one_line_of_bounded_length(text: str, expected: str) -> None:
    with pytest.raises(TableError) as caught:
        read_parameters(text, "p.tsv")
    assert expected in str(caught.value)
    assert len(str(caught.value)) < 700


def test_signs_of_word_processors_in_a_table() -> None:
    row = ROW.format(note="\u00e9 \u4e2d").replace("\t1\t", "\t\u22121.5\u00a0\t").replace("per_day", " per_day ")
    found = read_parameters(HEADER + row.replace("\n", "\r\n"))["k"]
    assert (found.value, found.unit, found.note) == (-1.5, "per_day", "\u00e9 \u4e2d")


@pytest.mark.parametrize(
    "text",
    [
        "!!python/object/apply:os.system [id]\n",
        "id: &a x\ntitle: *a\n",
        "id: x\nid: y\n",
        "<<: {id: x}\n",
        "a: " + "[" * 30 + "]" * 30 + "\n",
        "a:\n" + "- 1\n" * 6_000,
        "a: " + "x" * 300_000 + "\n",
        "title: [a\n",
        "\x00",
        "a: \x1b]0;owned\x07\n",
    ],
)
def test_no_trick_of_an_assay_file_is_taken(tmp_path: Path, text: str) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(CereblonError) as caught:
        load_assay(file)
    assert str(caught.value).startswith(f"{file}")
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 1_000


def test_a_path_with_colons_and_brackets_keeps_its_place(cli: Callable[..., Any], tmp_path: Path) -> None:
    name = "a: [b] 2:3.ant"
    (tmp_path / name).write_text("x = 1\nend\n", encoding="utf-8")
    refused(cli("check", name), f"{name}:2: error: 'end' is not allowed here")
