"""What every test stands on."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _same_output_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """pytest prints failures in full a second time where CI is set; tests of output see it without."""
    for name in ("CI", "BUILD_NUMBER"):
        monkeypatch.delenv(name, raising=False)
