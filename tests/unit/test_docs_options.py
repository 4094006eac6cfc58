"""Options of the commands for field failures and campaigns: each stands in their page."""

from __future__ import annotations

import argparse
import importlib

import pytest
from pages import ROOT

COMMON = {"--help", "--json", "--output"}  # of every command; the last one is -o in all examples
PAGES = {"field": "field", "replay": "field", "shrink": "field", "pin": "field", "campaign": "faults"}
TARGET = {"--engine", "--io", "--tflm", "--recorder", "--kernels"}  # of all that run an app: docs/cli.md


@pytest.mark.parametrize("command", PAGES)
def test_every_option_is_in_its_page(command: str) -> None:
    parser = argparse.ArgumentParser()
    importlib.import_module(f"sim.cli.{command}").add_arguments(parser)
    options = {o for a in parser._actions for o in a.option_strings if o.startswith("--")} - COMMON
    if command == "campaign":
        options -= TARGET
    text = (ROOT / "docs" / f"{PAGES[command]}.md").read_text(encoding="utf-8")
    assert len(options) > 3
    assert sorted(o for o in options if f"{o} " not in text and f"{o}`" not in text) == []
