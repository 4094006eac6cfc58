"""Verdicts of a shrink on disk, so that one that was stopped goes on."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from sim.errors import UsageError


class Journal:
    """Verdicts of trials, a line each, so that a shrink that was stopped goes on where it was."""

    def __init__(self, path: Path | None, about: str) -> None:
        self._verdicts: dict[str, bool] = {}
        self._found: frozenset[str] = frozenset()
        self._file = None
        if path is None:
            return
        with suppress(OSError, ValueError):
            lines = path.read_text(encoding="utf-8").splitlines()
            if lines and json.loads(lines[0]) == {"about": about}:
                for line in lines[1:]:
                    with suppress(ValueError, KeyError, TypeError):  # the last line may be cut short
                        said = json.loads(line)
                        self._verdicts[said["state"]] = bool(said["fails"])
        self._found = frozenset(self._verdicts)
        try:
            self._file = path.open("w", encoding="utf-8")
            self._file.write(json.dumps({"about": about}) + "\n")
            for state, fails in self._verdicts.items():
                self._file.write(json.dumps({"state": state, "fails": fails}) + "\n")
            self._file.flush()
        except OSError as error:
            raise UsageError(f"{path}: cannot be written: {error.strerror}") from None

    def get(self, key: str) -> bool | None:
        """None: not tried yet."""
        return self._verdicts.get(key)

    def found(self, key: str) -> bool:
        """Whether its verdict is from a shrink before this one."""
        return key in self._found

    def add(self, key: str, fails: bool) -> None:
        """Note a verdict."""
        self._verdicts[key] = fails
        if self._file is not None:
            self._file.write(json.dumps({"state": key, "fails": fails}) + "\n")
            self._file.flush()

    def close(self) -> None:
        """No more verdicts."""
        if self._file is not None:
            self._file.close()
