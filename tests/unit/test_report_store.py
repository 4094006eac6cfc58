"""Stored runs and comparing with them: like with like, and a reason for everything else."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from report_data import record, with_figure

from sim.errors import UsageError
from sim.report import json_out
from sim.report.compare import compare, grouped, parse_limits, unlike
from sim.report.figure import Figure
from sim.report.junit import properties
from sim.report.markdown import markdown
from sim.report.record import Record
from sim.report.store import FORMAT, Run, commit_of, load, merged, path_of, save, write
from sim.report.text import summary_lines


def test_json_and_back_is_the_same_and_as_the_schema_says() -> None:
    run = Run((record(), record("tests/test_it.py::other", outcome="failed", failure="over")), "base", "0123456789ab+")
    data = json.loads(json.dumps(run.as_json(), allow_nan=False))
    jsonschema.validate(data, json_out.schema("results"))
    assert Run.from_json(data, "x") == run


def test_a_record_with_little_in_it_is_valid_too() -> None:
    empty = record().slim()
    data = Run((replace(empty, unverified=(), app="", tflm="", model_sha256="", time_base=""),)).as_json()
    jsonschema.validate(data, json_out.schema("results"))
    assert set(data["records"][0]) == {"test", "outcome", "provenance", "figures", "board_time", "idle_time"}


def test_saved_runs_are_equal_files_whatever_the_order(tmp_path: Path) -> None:
    a, b = record("a"), record("b")
    save(Run((a, b), "x"), tmp_path / "one.json")
    save(Run((b, a), "x"), tmp_path / "two.json")
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()
    assert "stimuli" not in (tmp_path / "one.json").read_text()
    assert "decisions" not in (tmp_path / "one.json").read_text()


def test_where_a_run_lies(tmp_path: Path) -> None:
    assert path_of("main", tmp_path) == tmp_path / ".boardless/runs/main.json"
    assert path_of("ci/base.json", tmp_path) == tmp_path / "ci/base.json"
    assert path_of("base.json", tmp_path) == tmp_path / "base.json"
    with pytest.raises(UsageError, match="cannot be the name of a run"):
        path_of("-x y", tmp_path)


def test_load(tmp_path: Path) -> None:
    run = Run((record().slim(),), "main", "abc")
    save(run, path_of("main", tmp_path))
    assert load("main", tmp_path) == run
    with pytest.raises(UsageError, match=r"no stored run 'mian'(\n|.)*did you mean 'main'"):
        load("mian", tmp_path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "not JSON"),
        ("[]", "not a stored run of boardless"),
        ("{}", "not a stored run of boardless"),
        ('{"format": 99, "records": []}', "a stored run of format 99; this boardless"),
        ('{"format": true, "records": []}', "a stored run of format True"),
        ('{"format": "1", "records": []}', "a stored run of format '1'"),
        ('{"format": 1, "records": [{}]}', "a damaged stored run: KeyError"),
        ('{"format": 1, "records": [7]}', "a damaged stored run: TypeError"),
        ('{"format": 1, "records": 7}', "a damaged stored run: TypeError"),
    ],
)
def test_a_file_that_is_none_is_one_clear_error(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(UsageError) as caught:
        load("run.json", tmp_path)
    assert said in str(caught.value)
    assert "run.json" in str(caught.value)


def test_a_figure_of_an_unknown_kind_is_a_damaged_run(tmp_path: Path) -> None:
    data = Run((record().slim(),)).as_json()
    data["records"][0]["figures"]["flash"]["how"] = "guessed"
    (tmp_path / "run.json").write_text(json.dumps(data))
    with pytest.raises(UsageError, match="damaged stored run"):
        load("run.json", tmp_path)
    with pytest.raises(UsageError, match="one of: counted, modelled"):
        Figure("x", 1, "B", "guessed", "")


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("figures", "flash", "value"), "x"),
        (("figures", "flash", "value"), None),
        (("figures", "flash", "value"), math.nan),
        (("figures", "flash", "unit"), 3),
        (("figures", "flash", "basis"), []),
        (("figures", "flash", "basis"), {"core": 4}),
        (("figures", "flash", "detail"), {"min": "x"}),
        (("provenance", "board"), ["a"]),
        (("test",), None),
    ],
)
def test_what_cannot_be_compared_is_told_when_it_is_read(tmp_path: Path, where: tuple[str, ...], value: object) -> None:
    data = Run((record().slim(),)).as_json()
    at = data["records"][0]
    for key in where[:-1]:
        at = at[key]
    at[where[-1]] = value
    (tmp_path / "run.json").write_text(json.dumps(data))
    with pytest.raises(UsageError, match="damaged stored run: TypeError"):
        load("run.json", tmp_path)


def test_missing_and_unwritable(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="save one first: pytest --boardless-save main"):
        load("main", tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="the run cannot be written"):
        write(Run(()), tmp_path / "file" / "run.json")


# ---- comparing ----


def test_the_same_is_the_same() -> None:
    found = compare(Run((record().slim(),), "main"), Run((record(),)), parse_limits("cycles:0,flash:0"))
    assert {c.text for c in found.changes} == {"same"}
    assert not found.failures
    assert len(found.changes) == len(record().figures)


def test_worse_and_better_and_limits() -> None:
    now = with_figure(with_figure(record(), "cycles", value=823_090), "accuracy", value=0.95)
    before = Run((record(),), "main")
    found = {c.name: c for c in compare(before, Run((now,)), parse_limits("cycles:2%,accuracy:1%")).changes}
    assert found["cycles"].text == "+16,139 cycles (+2.00 %)"
    assert found["cycles"].worse
    assert not found["cycles"].failed  # 2.0000 %: within
    assert found["accuracy"].worse  # less is worse
    assert found["accuracy"].failed == "-2.00 % (-2.06 %), allowed 1 %"
    more = with_figure(record(), "cycles", value=823_091)
    (failed,) = compare(before, Run((more,)), parse_limits("cycles:2%")).failures
    assert failed.failed.endswith("allowed 2 %")
    better = with_figure(record(), "cycles", value=1)
    assert not compare(before, Run((better,)), parse_limits("cycles:0")).failures


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"unit": "kB"}, "unit: B then, kB now"),
        ({"how": "measured"}, "how it was got: counted then, measured now"),
        (
            {"basis": {"core": "cortex-m4", "fpu": "none", "mve": "false"}},
            "FPU of the board: fpv4-sp-d16 then, none now",
        ),
        ({"basis": {}}, "core of the board: cortex-m4 then, not told now"),
    ],
)
def test_unlike_figures_are_refused_with_the_reason(changes: dict[str, object], said: str) -> None:
    now = with_figure(record(), "flash", **changes)
    found = compare(Run((record(),), "main"), Run((now,)), {})
    flash = next(c for c in found.changes if c.name == "flash")
    assert said in flash.refused
    assert (flash.text, flash.delta, flash.relative) == ("not compared", 0.0, None)
    assert not flash.failed
    gated = compare(Run((record(),), "main"), Run((now,)), parse_limits("flash:1KiB")).failures
    assert len(gated) == 1  # a gate that cannot look must not let pass
    assert "it cannot be compared" in gated[0].failed


@pytest.mark.parametrize("key", ["model", "machine", "power"])
def test_what_a_figure_rests_on_is_in_its_basis(key: str) -> None:
    figure = record().figure("energy")
    assert figure is not None
    (reason,) = unlike(figure, replace(figure, basis={**figure.basis, key: "another"}))
    assert reason.endswith("then, another now")


def test_new_gone_and_missing() -> None:
    before = Run((record("old"), record("both")), "main")
    now = replace(record("both"), figures=record().figures[1:])
    found = compare(before, Run((now, record("new"))), parse_limits("flash:1KiB"))
    assert [k[0] for k in found.new_tests] == ["new"]
    assert [k[0] for k in found.missing_tests] == ["old"]
    assert [(c.name, c.text) for c in found.changes if c.text == "gone"] == [("flash", "gone")]
    assert [c.failed for c in found.failures] == ["there is no such figure any more"]
    back = compare(Run((now,), "main"), Run((record("both"),)), parse_limits("flash:0"))
    assert [(c.name, c.text, c.failed) for c in back.changes if c.text == "new"] == [("flash", "new", "")]


def test_other_boards_and_engines_are_other_tests() -> None:
    other = replace(record(), provenance=replace(record().provenance, board="nucleo_l152re"))
    found = compare(Run((record(),), "main"), Run((other,)), {})
    assert not found.changes
    assert len(found.new_tests) == len(found.missing_tests) == 1


def test_limits_that_look_at_nothing_fail() -> None:
    before, now = Run((record("old"),), "main"), Run((record("new"),))
    nothing = compare(before, now, parse_limits("flash:0,stack:0"))
    assert nothing.failed
    assert summary_lines(nothing)[-1] == "FAILED: the limits looked at nothing"
    assert "**Failed:** no test has flash, stack here" in markdown(now, nothing)
    some = compare(before, Run((record("old"),)), parse_limits("flash:0,heap:0"))
    assert (some.failed, some.idle_limits) == (False, ("heap",))
    assert summary_lines(some)[-1] == "  no test has this figure here and in main: heap"
    assert not compare(before, now, {}).failed, "nothing was asked"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("flash:1%,cycles:0,flash:50%", "flash: two limits"),
        ("cycels:2%", "unknown figure 'cycels'"),
        ("cycles", "'cycles': no limit"),
        ("cycles:", "'cycles:': no limit"),
        ("cycles:much", "'much' is no quantity"),
        ("flash:2 ms", "unknown unit 'ms'"),
        (" , ", "no limit given"),
    ],
)
def test_wrong_limits(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        parse_limits(text)


def test_equal_changes_are_one_line() -> None:
    before = Run(tuple(record(f"t{i}") for i in range(30)), "main", "abc")
    now = Run(tuple(with_figure(record(f"t{i}"), "flash", value=60_000) for i in range(30)))
    found = compare(before, now, parse_limits("flash:1%"))
    (group,) = grouped(c for c in found.changes if c.text != "same")
    assert group.where == "t0 (arduino_nano_33_ble) and 29 more"
    lines = summary_lines(found)
    assert lines[0] == "against main (abc): 30 figures changed, 180 the same, 0 not compared"
    assert sum("59,324" in line for line in lines) == 1
    assert "WORSE THAN ALLOWED: 30" in lines


def test_a_test_that_ran_again_counts_once() -> None:
    first, again = record(), with_figure(record(), "cycles", value=1)
    assert merged([first, record("b"), again]) == (again, record("b"))


def test_junit_properties() -> None:
    found = dict(properties(record()))
    assert found["boardless_cycles"] == "806951"
    assert found["boardless_cycles_is"].startswith("cycles, modelled: qemu 7.2.22")
    assert found["boardless_budget_cycles"] == "missed: 500000"
    assert "boardless_budget_stack" not in found
    assert found["boardless_unverified"] == "power.active_ma"


def test_commit_of_no_repository_is_empty(tmp_path: Path) -> None:
    assert commit_of(tmp_path) == ""


def test_slim_keeps_every_figure() -> None:
    slim = record().slim()
    assert slim.figures == record().figures
    assert Record.from_json(slim.as_json()) == slim
    assert FORMAT == 1
