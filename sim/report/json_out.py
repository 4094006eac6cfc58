"""JSON results of the commands. Each kind has a JSON Schema beside this file, in `schemas/<kind>.json`."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sim.files import replaced


def schema(kind: str) -> dict[str, Any]:
    """The JSON Schema (2020-12) of that kind of result."""
    path = Path(__file__).with_name("schemas") / f"{kind}.json"
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def write(kind: str, data: Mapping[str, Any], path: str) -> None:
    """Write `data` to a file, or to standard output for `-`. Raises UsageError when it cannot be written."""
    text = json.dumps(data, indent=2, sort_keys=False, allow_nan=False) + "\n"
    if path == "-":
        sys.stdout.write(text)
        return
    with replaced(Path(path)) as file:
        file.write(text.encode())
