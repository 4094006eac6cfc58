"""Set up a checkout, once: system packages, virtual environment, Python packages, TFLM tree, probe.

    python3 scripts/setup.py [demo|test|lint] [--no-packages] [--again]

Called by the Makefile with the system's Python, so the standard library only. Every step has a key made of
what it depends on; a step whose key is the one of last time is not done again, and a call with nothing to do
takes 0.1 s.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036  before anything that an older Python could not read
    import os
    import shutil

    names = ["python3.13", "python3.12", "python3.11", "python3.14"]
    newer = next((path for path in map(shutil.which, names) if path), None)
    if newer:
        os.execv(newer, [newer, *sys.argv])
    sys.exit(
        "setup: Python 3.11 or newer is needed, this one is %s (%s)\n"  # noqa: UP031
        "  install one (pyenv, uv or the system's packages) and call: make PYTHON3=/path/to/python3 ..."
        % (sys.version.split()[0], sys.executable)
    )

import argparse
import contextlib
import fcntl
import hashlib
import io
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
sys.dont_write_bytecode = True
from sim import needs  # noqa: E402  (standard library only, readable before anything is installed)

VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOGS = ROOT / "build" / "setup"
STAMPS = VENV / "boardless-setup.json"

# What each purpose installs: extras that must work, then extras that may have no wheel for this Python.
EXTRAS: dict[str, tuple[str, str]] = {
    "demo": ("", ""),
    "lint": ("dev", ""),
    "test": ("dev", "convert,host,table,dask"),
}
# What already lint needs of the system.
FOR_PYTHON = ("python venv", "CA certificates")


class StepFailed(Exception):
    """A step that did not work: what, why (its last lines), what to do."""


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("purpose", nargs="?", choices=sorted(EXTRAS), default="demo")
    parser.add_argument("--no-packages", action="store_true", help="never call apt")
    parser.add_argument("--again", action="store_true", help="do every step again")
    args = parser.parse_args()
    for stream in (sys.stdout, sys.stderr):  # a terminal that knows no "…" is no reason to fail
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        LOGS.mkdir(parents=True, exist_ok=True)
        with _only_one():
            set_up(args.purpose, packages=not args.no_packages, again=args.again)
    except StepFailed as failure:
        print(f"\nsetup: {failure}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"\nsetup: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nsetup: stopped; called again it goes on with the step it was in", file=sys.stderr)
        return 130
    return 0


def set_up(purpose: str, *, packages: bool = True, again: bool = False) -> None:
    """Do the steps of `purpose` whose key has changed."""
    done = {} if again else _stamps()
    required, optional = EXTRAS[purpose]
    steps: list[tuple[str, str, Callable[[], str]]] = []
    wanted = [n for n in needs.NEEDS if purpose != "lint" or n.name in FOR_PYTHON]
    label = "packages" if purpose != "lint" else "packages for Python"
    steps.append((label, _key(ROOT / "sim/needs.py"), lambda: system_packages(wanted, packages)))
    steps.append(("environment", _key(text=f"{sys.version_info[:2]} {VENV}"), environment))
    frame = _key(ROOT / "pyproject.toml", ROOT / "constraints.txt")
    steps.append((f"python packages{_of(required)}", frame, lambda: pip_install(required)))
    for extra in filter(None, optional.split(",")):
        steps.append((f"python packages{_of(extra)}", frame, partial(pip_install_optional, extra)))
    if purpose != "lint":
        steps.append(("TFLM tree", _key(ROOT / "firmware/tflm/Cargo.lock"), tflm_tree))
        probe_sources = sorted((ROOT / "sim/engines/qemu/probe").glob("*.[ch]"))
        if probe_sources:
            steps.append(("probe", _key(*probe_sources), probe))

    for name, key, step in steps:
        if done.get(name) == key and still_there(name):
            continue
        if name == "environment":  # a new environment is empty
            done = {k: v for k, v in done.items() if not k.startswith("python packages")}
        started = time.monotonic()
        print(f"setup: {name} …", end="", flush=True)
        result = step()
        print(f" {result}, {time.monotonic() - started:.0f} s", flush=True)
        done[name] = key
        if STAMPS.parent.is_dir():  # `packages` comes before there is one; it is stamped with the next step
            STAMPS.write_text(json.dumps(done, indent=1))


def still_there(step: str) -> bool:
    """A cheap look whether a finished step's result was taken away since."""
    if step == "packages":
        return all(map(shutil.which, ("qemu-system-arm", "arm-none-eabi-gcc", "cargo")))
    if step == "environment" or step.startswith("python packages"):
        return PYTHON.exists()
    if step == "TFLM tree":
        return bool(list(_cargo_home().glob("registry/src/*/tfmicro-*")))
    return True


# --- the steps; each returns a few words about what it did ---


def system_packages(wanted: list[needs.Need], may_install: bool) -> str:
    """Install what is missing with apt; only look where there is no apt."""
    missing = [n for n in wanted if not n.look().ok]
    if not missing:
        return "all there"
    if not shutil.which("apt-get") or not may_install:
        raise StepFailed(_list_of_missing(missing))
    prefix = _as_root(missing)
    quiet = ["env", "DEBIAN_FRONTEND=noninteractive", "NEEDRESTART_MODE=a"]
    apt = [*prefix, *quiet, "apt-get", "-y", "-qq", "-o", "DPkg::Lock::Timeout=300"]
    advice = "is the package index reachable? /etc/apt/sources.list* says where it is looked for"
    _run("packages", [*apt, "update"], advice)
    names = [package for need in missing for package in needs.debian_packages(need)]
    print(f" installing {' '.join(names)} …", end="", flush=True)
    _run("packages", [*apt, "--no-install-recommends", "install", *names], advice)
    left = [(n, found) for n in missing if not (found := n.look()).ok]
    if left:
        raise StepFailed(
            "installed, and still not usable:\n" + "\n".join(f"  {need.name}: {found.problem}" for need, found in left)
        )
    return "installed"


def environment() -> str:
    """`.venv`, made new unless the one there works."""
    if PYTHON.exists():
        code, text = needs.output_of([str(PYTHON), "-m", "pip", "--version"])
        if code == 0 and needs.version_in(text.rpartition("python")[2]) == sys.version_info[:2]:
            return "the one in .venv"
    _run(
        "environment",
        [sys.executable, "-m", "venv", "--clear", str(VENV)],
        "on Debian the package python3-venv brings what is needed",
    )
    return f"Python {sys.version_info[0]}.{sys.version_info[1]}"


def pip_install(extras: str) -> str:
    """boardless from this checkout, editable, at the versions of constraints.txt."""
    what = f"{ROOT}[{extras}]" if extras else str(ROOT)
    quiet = ["--disable-pip-version-check", "--no-input", "--progress-bar=off"]
    _run(
        "pip",
        [str(PYTHON), "-m", "pip", "install", *quiet, "-c", str(ROOT / "constraints.txt"), "-e", what],
        "is the package index reachable? pip reads its address from PIP_INDEX_URL or pip.conf",
    )
    return "installed"


def pip_install_optional(extra: str) -> str:
    """An extra without which tests are skipped; it may have no wheel for this machine or Python."""
    try:
        return pip_install(extra)
    except StepFailed as failure:
        lines = [line.strip(" |") for line in str(failure).splitlines() if "ERROR" in line]
        reason = lines[0] if lines else "see build/setup/pip.log"
        return f"NOT installed, tests that need it will be skipped ({reason})"


def tflm_tree() -> str:
    """The crate that carries the default TFLM tree, checked against the committed lock file."""
    code = "from sim.tflm import TflmTree; print(TflmTree.default().version_text)"
    _run(
        "tflm",
        [str(PYTHON), "-c", code],
        "is Rust's package registry reachable? a mirror is set in ~/.cargo/config.toml. "
        "A tree of your own needs no download: BOARDLESS_TFLM=/path/to/tree",
    )
    return "there"


def probe() -> str:
    """The counting plugin for QEMU."""
    code = "from sim.engines.qemu.probe import ensure_probe; print(ensure_probe())"
    _run(
        "probe",
        [str(PYTHON), "-c", code],
        "it is one C file, compiled with the host's compiler (cc or $CC)",
    )
    return "compiled"


# --- helpers ---


def _run(step: str, command: list[str], advice: str) -> None:
    """Run a command into a log; StepFailed with its last lines when it fails."""
    log = LOGS / f"{step}.log"
    with log.open("w", encoding="utf-8") as out:
        print("$", *command, file=out, flush=True)
        try:
            code = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, cwd=ROOT
            ).returncode
        except OSError as error:
            print(error, file=out)
            code = 127
    if code:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        tail = "\n".join("  | " + line.strip()[:300] for line in _telling(lines))
        raise StepFailed(
            f"{step} failed (exit code {code}):\n{tail}\n  whole log: {log.relative_to(ROOT)}\n  what to do: {advice}"
        )


def _telling(lines: list[str]) -> list[str]:
    """The lines of a log that say why, once each, and its last ones."""
    words = ("ERROR", "Error", "error:", "E: ", "fatal", "Could not", "Temporary failure", "No space")
    why = list(dict.fromkeys(line for line in lines[:-4] if any(word in line for word in words)))
    return [*why[-6:], *lines[-4:]]


def _as_root(missing: list[needs.Need]) -> list[str]:
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") and subprocess.run(["sudo", "-n", "true"], capture_output=True).returncode == 0:
        return ["sudo", "-n"]
    names = " ".join(package for need in missing for package in needs.debian_packages(need))
    install = f"apt-get install --no-install-recommends {names}"
    if shutil.which("sudo"):
        raise StepFailed(
            f"system packages are missing, and sudo wants a password. Type this, then the same again:\n  sudo {install}"
        )
    raise StepFailed(f"system packages are missing. Type this as root, then the same again:\n  {install}")


def _list_of_missing(missing: list[needs.Need]) -> str:
    lines = [f"  {n.elsewhere:38} {n.purpose}" for n in missing]
    return (
        "missing on this system, to be installed by its own means:\n"
        + "\n".join(lines)
        + "\n  (Fedora: dnf; macOS: brew install qemu rust, and the Arm GNU toolchain of arm.com or its cask)"
        + "\n  then call the same again"
    )


def _stamps() -> dict[str, str]:
    try:
        stamps = json.loads(STAMPS.read_text())
    except (OSError, ValueError):
        return {}
    return stamps if isinstance(stamps, dict) else {}


def _key(*files: Path, text: str = "") -> str:
    digest = hashlib.sha256(text.encode())
    for file in (Path(__file__), *files):
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]


def _of(extras: str) -> str:
    return f" ({extras})" if extras else ""


def _cargo_home() -> Path:
    return Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo")


@contextlib.contextmanager
def _only_one() -> Iterator[None]:
    """Two calls at once (`make demo` and `make test` in two windows) take turns."""
    with (LOGS / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("setup: another set-up is running here, waiting for it", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    sys.exit(main())
