"""What has been played already, on disk: an evaluation that was interrupted goes on where it was."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from sim.errors import UsageError
from sim.evaluate.unit import Played, line_of
from sim.paths import cache_root


class Journal:
    """A file with a line a unit. Units are named by content: whatever is found is right, in any order."""

    def __init__(self, path: Path) -> None:
        """Reads what is there; a line that was cut off is as if it were not. Raises UsageError."""
        self.path = path
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
        self._found = _units(data)

    @staticmethod
    def place_of(place_key: str, set_sha256: str) -> Path:
        """Where the journal of a set played at a place (`Place.key`) is kept, when nobody says."""
        return cache_root() / "evaluate" / f"{place_key[:20]}-{set_sha256[:20]}.jsonl"

    @staticmethod
    def played(path: Path | None, place_key: str) -> set[str]:
        """Units that the journal has, of which the set is not known yet: all that any set left at that place."""
        paths = [path] if path is not None else Journal.place_of(place_key, "").parent.glob(f"{place_key[:20]}-*.jsonl")
        found: set[str] = set()
        for one in paths:
            with suppress(OSError):  # it is not there; one that cannot be read is an error when it is opened
                found |= _units(one.read_bytes()).keys()
        return found

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


def _units(data: bytes) -> dict[str, list[Played]]:
    """What the lines of a journal say; those that are none are as if they were not."""
    found = {}
    for line in data.splitlines():
        try:
            said = json.loads(line)
            found[said["unit"]] = [Played.from_json(p) for p in said["played"]]
        except (ValueError, KeyError, TypeError):
            continue
    return found
