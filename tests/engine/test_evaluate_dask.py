"""Evaluations on a Dask cluster of several worker processes, one of which is killed in the middle."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from bare import engine

from sim.errors import SetupError
from sim.evaluate import Labelled, evaluate
from sim.paths import cache_root, data_root
from sim.sensors.recording import Recording

SHIPPED = data_root() / "models" / "gesture" / "recordings"
# In a process of its own: what Dask's threads and workers leave to the collector is none of pytest's.
CLUSTER = """
import json, os, signal, sys
from pathlib import Path

if __name__ == "__main__":
    from distributed import LocalCluster
    from sim.evaluate import evaluate
    from sim.evaluate.cluster import Cluster

    killed = []
    with LocalCluster(n_workers=3, threads_per_worker=1, dashboard_address=None, host="127.0.0.1") as cluster:
        workers = [w.process.pid for w in cluster.workers.values()]

        def kill(what, done, of):
            if what == "playing" and done and not killed:
                children = [int(p.parent.name) for p in Path("/proc").glob("[0-9]*/stat") if parent(p) in workers]
                os.kill(workers[0], signal.SIGKILL)
                killed.extend([workers[0], *children])

        def parent(stat):
            try:
                return int(stat.read_text().rpartition(")")[2].split()[1])
            except OSError:
                return 0

        with Cluster.at(cluster.scheduler_address) as here:
            first = evaluate("gesture", sys.argv[1], using=here, progress=kill).as_json()
            sent = here.sent
            again = evaluate("gesture", sys.argv[1], using=here).as_json()
        by_address = evaluate("gesture", sys.argv[1], dask=cluster.scheduler_address, limit=2).as_json()
    print(json.dumps({"first": first, "again": again, "sent": [sent, here.sent], "killed": killed,
                      "by_address": by_address["accuracy"]["of"]}))
"""


@pytest.fixture(scope="module", autouse=True)
def _installed() -> None:
    engine()
    pytest.importorskip("distributed", reason="pip install 'boardless[dask]'")


@pytest.mark.slow
def test_a_cluster_gives_the_same_bytes_though_a_worker_is_killed(tmp_path: Path) -> None:
    dice = np.random.default_rng(2)
    recorded = [Recording.load(path) for path in sorted(SHIPPED.glob("*.csv"))]
    values = [r.values + dice.normal(0, 0.05, r.values.shape) for _ in range(8) for r in recorded]
    truth = [r.name.split("_")[0] for _ in range(8) for r in recorded]
    data = tmp_path / "set.npz"
    np.savez(data, X=np.array(values), y=np.array(truth), rate=10.0, units=["m/s^2"] * 3 + ["deg/s"] * 3)
    here = evaluate("gesture", data)
    kept = cache_root() / "elf" / f"{here.firmware.sha256}.elf"
    kept.unlink(missing_ok=True)
    script = tmp_path / "cluster.py"
    script.write_text(CLUSTER)
    done = subprocess.run([sys.executable, str(script), str(data)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["first"] == found["again"] == json.loads(json.dumps(here.as_json()))
    assert found["killed"], "a worker was killed"
    # The workers share this machine's cache: the image was sent to the first that asked, by its hash, and never again.
    assert found["sent"][0] in (1, 2, 3)
    assert found["sent"][1] == found["sent"][0]
    assert found["by_address"] == 2
    assert kept.read_bytes() == here.firmware.elf.read_bytes()


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "no address"])
def test_nobody_at_that_address(
    address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from sim.cli import main
    from sim.evaluate import cluster

    monkeypatch.setattr(cluster, "_WITHIN", 1)
    (tmp_path / "running").mkdir()
    shutil.copy(SHIPPED / "running_02.csv", tmp_path / "running")
    assert main(["evaluate", "gesture", "--data", str(tmp_path), "--dask", address]) == 2
    err = capsys.readouterr().err
    assert f"no Dask scheduler at {address}" in err
    assert "dask scheduler" in err
    assert "Traceback" not in err


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(SetupError, match=r"needs the package distributed(.|\n)*boardless\[dask\]"):
        evaluate("gesture", [Labelled("one", Recording.load(SHIPPED / "running_02.csv"), "running")], dask="tcp://x:1")
