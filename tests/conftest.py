"""What every test stands on."""

from __future__ import annotations

import signal

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Stimuli beyond a part's range are played on purpose here; that it is said has tests of its own."""
    config.addinivalue_line("filterwarnings", "ignore::sim.errors.StimulusWarning")


def pytest_sessionstart(session: pytest.Session) -> None:
    """A shell that starts pytest in the background has it ignore Ctrl-C, and so would all that the tests start."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _same_output_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """pytest prints failures in full a second time where CI is set; tests of output see it without."""
    for name in ("CI", "BUILD_NUMBER"):
        monkeypatch.delenv(name, raising=False)
