"""Outcomes of a campaign on disk, a line each, so that one that was stopped goes on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sim.errors import UsageError
from sim.faults.shot import CLASSES, Outcome, Shot

CHUNK = 25  # faults that one boot begins with: fixed, so that the result does not depend on the number of jobs


def read_journal(path: Path | None, about: Mapping[str, Any], shots: Sequence[Shot]) -> dict[int, Outcome]:
    """Outcomes by number that a campaign like this one has left there; whole chunks only."""
    if path is None or not path.is_file():
        return {}
    out: dict[int, Outcome] = {}
    for i, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines()):
        try:
            said = json.loads(line)
            if i == 0:
                if said != about:
                    return {}
                continue
            shot = shots[said["number"]]
            if [list(b) for b in shot.bits] == said["bits"] and said["outcome"] in CLASSES:
                out[shot.number] = Outcome(shot, said["outcome"], said["window"], said["expected"], said["decided"],
                                           said["part"], said["detail"], said["moved"])  # fmt: skip
        except (ValueError, KeyError, TypeError, IndexError):  # the last line may be cut short
            continue
    # Whole chunks only: the windows of a chunk follow one another.
    whole = {n for n in out if all(k in out for k in _chunk_of(n, len(shots)))}
    return {n: o for n, o in out.items() if n in whole}


def _chunk_of(number: int, total: int) -> range:
    start = number // CHUNK * CHUNK
    return range(start, min(start + CHUNK, total))


class Journal:
    """Written as the campaign goes."""

    def __init__(self, path: Path | None, about: Mapping[str, Any], known: Mapping[int, Outcome]) -> None:
        self._file = None
        if path is not None:
            try:
                self._file = path.open("w", encoding="utf-8")
            except OSError as error:
                raise UsageError(f"{path}: cannot be written: {error.strerror}") from None
            self._file.write(json.dumps(about) + "\n")
            self.add([known[n] for n in sorted(known)])

    def add(self, outcomes: Sequence[Outcome]) -> None:
        """Note them."""
        if self._file is not None:
            self._file.writelines(json.dumps(o.as_json()) + "\n" for o in outcomes)
            self._file.flush()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()
