"""What has been played already, on disk: an evaluation that was interrupted goes on where it was."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from sim.errors import UsageError
from sim.evaluate.unit import Played, line_of
from sim.paths import cache_root


class Journal:
    """A file with a line a unit. Units are named by content: whatever is found is right, in any order."""

    def __init__(self, path: Path) -> None:
        """Reads what is there; a line that was cut off is as if it were not. Raises UsageError."""
        self.path = path
        self._found: dict[str, list[Played]] = {}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # "a": each line is one write at the end, so that two evaluations of one set do not harm each other.
            self._file = path.open("ab", buffering=0)
            data = path.read_bytes()
            if data and not data.endswith(b"\n"):
                self._file.write(b"\n")
        except OSError as error:
            raise UsageError(f"{path}: cannot be written: {error.strerror}",
                             hint="BOARDLESS_CACHE, or --journal, names another place") from None  # fmt: skip
        for line in data.splitlines():
            try:
                said = json.loads(line)
                self._found[said["unit"]] = [Played.from_json(p) for p in said["played"]]
            except (ValueError, KeyError, TypeError):
                continue

    @staticmethod
    def place_of(key: str) -> Path:
        """Where the journal of an evaluation with that key is kept, when nobody says."""
        return cache_root() / "evaluate" / f"{key[:32]}.jsonl"

    def get(self, unit: str) -> list[Played] | None:
        """The results of a unit, None if it has not been played."""
        return self._found.get(unit)

    def put(self, unit: str, played: Sequence[Played]) -> None:
        """Keep the results of a unit. Raises UsageError for a full disk."""
        self._found[unit] = list(played)
        try:
            self._file.write(line_of(unit, played).encode())
        except OSError as error:
            raise UsageError(f"{self.path}: cannot be written: {error.strerror}") from None

    def close(self, *, done: bool) -> None:
        """`done`: nothing is left to go on with, the file goes."""
        self._file.close()
        if done:
            self.path.unlink(missing_ok=True)
