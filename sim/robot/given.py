"""What a suite gives: variables, paths, places, durations, numbers; Robot gives texts."""

from __future__ import annotations

import re
from pathlib import Path

from robot.libraries.BuiltIn import BuiltIn, RobotNotRunningError


def variable(name: str) -> str:
    """A variable of Robot's; empty where it is not set, or nothing runs (libdoc)."""
    try:
        return str(BuiltIn().get_variable_value(f"${{{name}}}", "") or "")
    except RobotNotRunningError:
        return ""


def folders() -> list[Path]:
    source = variable("SUITE_SOURCE")
    return [Path(source).parent] if source else []


def path_of(given: str) -> Path:
    """A path as the suite means it: from its own folder, if it is there."""
    return next((f / given for f in folders() if (f / given).exists()), Path(given))


def place_of(where: str) -> str | int:
    return int(where, 0) if where[:1].isdigit() else where


def duration_of(given: str) -> str | float:
    """Robot gives texts: `2 s`, but `0.5` is a number of seconds."""
    return float(given) if re.fullmatch(r"[0-9.]+", given) else given


def number_of(given: str) -> str | float:
    return float(given) if re.fullmatch(r"[0-9_]+(\.[0-9]+)?", given) else given
