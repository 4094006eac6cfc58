"""`boardless engine install renode` with a package of the official layout, made of the Renode that is here.

No package of Renode's makers: what is in it is that Renode's own. Skipped where there is none that was built.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from sim.engines.renode import find_renode
from sim.errors import SetupError
from sim.report.json_out import schema
from sim.settings import Settings


@pytest.mark.slow
def test_a_package_is_installed_found_and_runs(tmp_path: Path) -> None:
    try:
        found = find_renode(replace(Settings.load(), engine="renode"))
    except SetupError as error:
        pytest.skip(f"{error.message}. {error.hint}")
    output = found.path / (found.output or "output/bin/Release")
    if found.variable != "PYRENODE_BUILD_DIR" or not (output / "Renode.exe").is_file():
        pytest.skip("the Renode here is no folder with its libraries")
    path = tmp_path / "renode-own.linux-portable.tar.gz"
    with tarfile.open(path, "w:gz", compresslevel=1) as tar:
        for name, source in (
            ("bin", output),
            ("platforms", found.path / "platforms"),
            ("scripts", found.path / "scripts"),
        ):
            tar.add(source, f"renode_own_portable/{name}")
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PYRENODE_", "BOARDLESS_RENODE"))}
    environment = {**clean, "BOARDLESS_DATA": str(tmp_path / "data")}

    def boardless(*words: str) -> str:
        done = subprocess.run([sys.executable, "-m", "sim", *words], env=environment, capture_output=True, text=True,
                              check=False, cwd=tmp_path)  # fmt: skip
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    said = boardless("engine", "install", "renode", str(path), "--python", str(found.python), "--json", "r.json")
    assert "it has run a machine" in said
    installed = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert set(installed) == set(schema("engine")["properties"])
    assert installed["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    path.unlink()
    assert str(tmp_path / "data") in boardless("doctor")
    model = Path(__file__).resolve().parents[2] / "models/hello/hello.tflite"
    assert ", renode 1." in boardless("invoke", str(model), "--engine", "renode")
