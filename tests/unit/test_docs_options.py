"""Options of the commands for field failures: each stands in their page."""

from __future__ import annotations

import argparse
import importlib

import pytest
from pages import ROOT

PAGE = ROOT / "docs" / "field.md"
COMMON = {"--help", "--json", "--output"}  # of every command; the last one is -o in all examples


@pytest.mark.parametrize("command", ["field", "replay", "shrink", "pin"])
def test_every_option_is_in_its_page(command: str) -> None:
    parser = argparse.ArgumentParser()
    importlib.import_module(f"sim.cli.{command}").add_arguments(parser)
    options = {o for a in parser._actions for o in a.option_strings if o.startswith("--")} - COMMON
    text = PAGE.read_text(encoding="utf-8")
    assert len(options) > 3
    assert sorted(o for o in options if f"{o} " not in text and f"{o}`" not in text) == []
