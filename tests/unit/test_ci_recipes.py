"""The recipes of docs/ci: YAML, all packages in them, commands that exist with options that are there."""

from __future__ import annotations

import re
import shlex
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from sim import needs, pytest_plugin, pytest_report
from sim.cli import COMMANDS
from sim.project import _HOSTED
from sim.report.compare import parse_limits
from sim.report.store import path_of

FOLDER = Path(__file__).parents[2] / "docs" / "ci"
PACKAGES = {name for need in needs.NEEDS for name in need.debian[0].split()}


def read(name: str) -> Any:
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed (pip install pyyaml)")
    text = (FOLDER / name).read_text(encoding="utf-8")
    assert all(line == line.rstrip() for line in text.splitlines())
    return yaml.safe_load(text)


def known_options() -> set[str]:
    parser = pytest.Parser(_ispytest=True)
    pytest_plugin.pytest_addoption(parser)
    pytest_report.pytest_addoption(parser)
    return {name for group in parser._groups for option in group.options for name in option.names()}


def check_pytest(command: str) -> None:
    words = shlex.split(command)
    assert words[0] == "pytest"
    given = dict(pairwise(words))
    options = [w for w in words if w.startswith("--boardless")]
    assert len(options) == 3
    assert set(options) <= known_options()
    assert set(parse_limits(given["--boardless-fail"])) == {"cycles", "flash", "ram_static", "latency"}
    assert path_of(given["--boardless-compare"], Path("/p")) == Path("/p/figures/main.json")
    assert given["--junitxml"].startswith(f"{given['--boardless-report']}/")


def check_shell(script: str) -> None:
    done = subprocess.run(["sh", "-n"], input=script, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for command in re.findall(r"^boardless (\w+)", script, re.MULTILINE):
        assert command in COMMANDS


def test_github() -> None:
    workflow = read("github-actions.yml")
    assert set(workflow[True]) == {"push", "pull_request"}  # YAML 1.1 reads `on` as true; GitHub does not
    assert workflow["permissions"] == {"contents": "read", "pull-requests": "write"}
    steps = workflow["jobs"]["test"]["steps"]
    assert all(("run" in step) != ("uses" in step) for step in steps)
    assert all(re.fullmatch(r"actions/[\w-]+@v\d+", step["uses"]) for step in steps if "uses" in step)
    runs = [step["run"] for step in steps if "run" in step]
    for script in runs:
        check_shell(script)
    (test,) = [r for r in runs if r.startswith("pytest")]
    check_pytest(test)
    install = next(r for r in runs if "apt-get install" in r).split()
    assert PACKAGES - set(_HOSTED) <= set(install)
    (upload,) = [s for s in steps if "upload-artifact" in s.get("uses", "")]
    assert upload["with"]["path"] == "out/"
    assert upload["if"] == "always()"
    comment = next(s for s in steps if "gh pr comment" in s.get("run", ""))
    assert "${{" not in comment["run"]  # nothing of a pull request is pasted into a shell
    order = [steps.index(s) for s in steps if s.get("run") == test or s is comment or s is upload]
    assert order == sorted(order)


def test_gitlab() -> None:
    job = read("gitlab-ci.yml")["firmware"]
    for script in (*job["before_script"], *job["script"], *job["after_script"]):
        check_shell(script)
    (test,) = job["script"]
    check_pytest(test)
    install = next(line for line in job["before_script"] if "apt-get install" in line).split()
    assert set(install) >= PACKAGES
    assert job["artifacts"]["when"] == "always"
    assert job["artifacts"]["reports"] == {"junit": "out/junit.xml"}
    assert job["cache"]["paths"] == [".cache/"]
    for name in ("BOARDLESS_CACHE", "CARGO_HOME", "PIP_CACHE_DIR"):
        assert job["variables"][name].startswith("$CI_PROJECT_DIR/.cache/")
