"""The end of a test session, at the controller: records are gathered, compared, stored and written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sim.errors import BoardlessError, UsageError
from sim.report import compare, store
from sim.report.html import html
from sim.report.markdown import markdown
from sim.report.record import Record
from sim.report.text import summary_lines


class Controller:
    """A pytest plugin of one session. Raises UsageError for options that cannot be."""

    def __init__(self, config: pytest.Config) -> None:
        name, limits = config.getoption("boardless_compare"), config.getoption("boardless_fail")
        for option in ("save", "compare", "fail", "report"):
            if config.getoption(f"boardless_{option}") == "":
                raise UsageError(
                    f"--boardless-{option}: nothing given", hint="leave the option out, or give it a value"
                )
        if limits and not name:
            raise UsageError("--boardless-fail compares with nothing", hint="add --boardless-compare NAME")
        self._config = config
        self._save = config.getoption("boardless_save")
        self._report = config.getoption("boardless_report")
        if self._save:
            store.path_of(self._save, config.rootpath)
        self._stored = store.load(name, config.rootpath) if name else None
        self._against = name
        self._limits = compare.parse_limits(limits) if limits else {}
        self._records: list[Record] = []
        self._lines: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Also for the reports that workers of xdist sent."""
        found = getattr(report, "boardless_record", None)
        if found is not None:
            self._records.append(Record.from_json(found))

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Before the summary is shown."""
        try:
            comparison = self._finish()
        except BoardlessError as error:
            self._lines.append(f"error: {error}")
            session.exitstatus = pytest.ExitCode.USAGE_ERROR
            return
        if comparison is not None and comparison.failed and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if self._lines:
            terminalreporter.section("boardless")
            for line in self._lines:
                terminalreporter.write_line(line)

    def _finish(self) -> compare.Comparison | None:
        config = self._config
        root = config.rootpath
        run = store.Run(store.merged(self._records), commit=store.commit_of(root))
        comparison = None
        if self._stored is not None:
            stored = store.Run(self._stored.records, self._stored.name or str(self._against), self._stored.commit)
            comparison = compare.compare(stored, run, self._limits)
            self._lines += summary_lines(comparison)
        if self._save:
            path = store.path_of(self._save, root)
            store.save(store.Run(run.records, path.stem, run.commit), path)
            self._lines.append(f"saved: {len(run.records)} tests in {_near(path, root)}")
        if self._report:
            folder = config.invocation_params.dir / Path(self._report).expanduser()
            store.write(run, folder / "results.json")
            _write(folder / "report.md", markdown(run, comparison))
            _write(folder / "report.html", html(run, comparison))
            self._lines.append(f"report: {_near(folder, root) / 'report.html'}, report.md, results.json")
        return comparison


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from None


def _near(path: Path, root: Path) -> Path:
    return path.relative_to(root) if path.is_relative_to(root) else path
