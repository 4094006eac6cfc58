"""A Renode on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Found:
    """A Renode that a worker can load."""

    variable: str  # the variable that tells pyrenode3 which kind it is; empty: installed in /opt/renode
    path: Path
    runtime: str  # "mono" or "coreclr"
    python: Path  # interpreter that has pyrenode3
    output: str = ""  # of a folder: where its libraries are, if not where a build puts them

    def environment(self) -> Mapping[str, str]:
        """What a worker gets of it."""
        if not self.variable:
            return {}
        output = {"PYRENODE_BUILD_OUTPUT": self.output} if self.output else {}
        return {self.variable: str(self.path), "PYRENODE_RUNTIME": self.runtime, **output}
