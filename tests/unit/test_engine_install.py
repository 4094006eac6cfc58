"""`boardless engine install renode` with packages of all kinds, without a Renode: it is verified by a stand-in here.

tests/engine/test_renode_install.py installs a real one, where there is one.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from sim.cli import main
from sim.engines.renode.find import find_renode
from sim.engines.renode.found import Found
from sim.engines.renode.install import install, installed
from sim.engines.renode.interpreter import PYRENODE3, check_pip
from sim.errors import BoardlessError, SetupError, UsageError
from sim.settings import Settings

TOP = "renode_1.15.3_portable"


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("PYRENODE_BIN", "PYRENODE_PKG", "PYRENODE_BUILD_DIR", "PYRENODE_RUNTIME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("BOARDLESS_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


Change = Callable[[tarfile.TarFile], None]


def add(tar: tarfile.TarFile, name: str, content: bytes = b"x", **values: object) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    for key, value in values.items():
        setattr(member, key, value)
    tar.addfile(member, io.BytesIO(content))


def package(folder: Path, *files: str, change: Change = lambda tar: None) -> Path:
    path = folder / "renode-1.15.3.linux-portable.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for name in files or ("renode", "bin/Renode.exe", "platforms/cpus/nrf52840.repl", "scripts/x.resc"):
            add(tar, f"{TOP}/{name}", mode=0o755)
        change(tar)
    return path


def runs(found: Found) -> str:
    assert found.path.is_dir() or found.path.is_file()
    return "1.15.3"


def broken(found: Found) -> str:
    raise SetupError("Renode does not start: no .NET here")


def put(path: Path | str, **values: str) -> None:
    install(str(path), python=sys.executable, verify=runs, **values)


def test_a_package_is_unpacked_verified_and_found_from_then_on(data: Path, tmp_path: Path) -> None:
    path = package(tmp_path)
    put(path)
    got = installed()
    assert got is not None
    assert got.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    found = find_renode(Settings())
    assert (found.variable, found.runtime, found.output) == ("PYRENODE_BUILD_DIR", "mono", "bin")
    assert found.path == data / f"renode-{got.sha256[:12]}" / "package" / TOP
    assert found.environment()["PYRENODE_BUILD_OUTPUT"] == "bin"
    assert (found.path / "renode").stat().st_mode & 0o777 == 0o755
    assert sorted(p.name for p in data.iterdir()) == [f"renode-{got.sha256[:12]}", "renode.json"]
    put(path, sha256=got.sha256.upper())  # again, with what was recorded
    assert installed() == got
    assert find_renode(Settings(renode=str(tmp_path), renode_python=sys.executable)).path == tmp_path  # a setting wins


@pytest.mark.parametrize(
    ("files", "kind"),
    [
        (("bin/Renode.dll", "bin/Renode.runtimeconfig.json", "platforms/a"), ("PYRENODE_BUILD_DIR", "coreclr", "bin")),
        (("renode", "platforms/a", "scripts/b"), ("PYRENODE_BIN", "coreclr", "")),
    ],
)
def test_packages_for_net(data: Path, tmp_path: Path, files: tuple[str, ...], kind: tuple[str, ...]) -> None:
    put(package(tmp_path, *files))
    found = find_renode(Settings())
    assert (found.variable, found.runtime, found.output) == kind


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> Change:
    return lambda tar: add(tar, name, b"", type=kind, linkname=target)


BAD: list[tuple[str, Change]] = [
    ("'../evil' leads out of the archive", lambda tar: add(tar, "../evil")),
    ("leads out of the archive", lambda tar: add(tar, f"{TOP}/../../evil")),
    ("'/etc/evil' leads out of the archive", lambda tar: add(tar, "/etc/evil")),
    ("leads out of the archive", link(f"{TOP}/evil", "../../../etc")),
    ("leads out of the archive", link(f"{TOP}/evil", "/etc/passwd")),
    ("is neither file, folder nor symbolic link", link(f"{TOP}/evil", f"{TOP}/renode", tarfile.LNKTYPE)),
    ("is neither file, folder nor symbolic link", lambda tar: add(tar, "evil", b"", type=tarfile.CHRTYPE)),
    ("is neither file, folder nor symbolic link", lambda tar: add(tar, "evil", b"", type=tarfile.FIFOTYPE)),
    ("cannot be unpacked", lambda tar: add(tar, f"{TOP}/renode")),  # twice
    ("cannot be unpacked", link(f"{TOP}/renode", "bin")),  # a link where a file is
]


@pytest.mark.parametrize(("said", "change"), BAD, ids=range(len(BAD)))
def test_archives_with_tricks_are_refused(
    data: Path, tmp_path: Path, said: str, change: Change, capsys: pytest.CaptureFixture[str]
) -> None:
    path = package(tmp_path, change=change)
    refused(["engine", "install", "renode", str(path), "--python", sys.executable], said, capsys)
    assert not data.exists()
    assert sorted(p.name for p in tmp_path.iterdir()) == [path.name]


def refused(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One clear error, exit code 2."""
    assert main(words) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("boardless engine:") == 1
    assert "Traceback" not in error


def test_what_is_no_package(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["engine", "install", "renode"]
    text = tmp_path / "renode.tar.gz"
    text.write_text("<html>not found</html>")
    refused([*words, str(text)], "cannot be unpacked", capsys)
    whole = package(tmp_path).read_bytes()
    text.write_bytes(whole[: len(whole) // 2])
    refused([*words, str(text)], "cannot be unpacked", capsys)
    refused([*words, str(package(tmp_path, "README.md", "lib/x.dll"))], "there is no Renode in it", capsys)
    refused([*words, str(tmp_path / "nowhere.tar.gz")], "no such file", capsys)
    refused([*words, "http://127.0.0.1:9/renode.tar.gz"], "cannot be fetched", capsys)
    refused([*words, "http://a package of renode/"], "cannot be fetched", capsys)
    refused([*words, "gopher://x/renode.tar.gz"], "cannot be fetched", capsys)
    good = str(package(tmp_path))
    refused([*words, good, "--sha256", "00" * 32], "SHA-256 is", capsys)
    refused([*words, good, "--python", "/nowhere/python"], "/nowhere/python: not found or not a program", capsys)
    assert not data.exists()


def test_a_renode_that_does_not_run_leaves_nothing_and_the_former_one_stays(data: Path, tmp_path: Path) -> None:
    path = package(tmp_path)
    with pytest.raises(SetupError, match=r"no \.NET here"):
        install(str(path), python=sys.executable, verify=broken)
    assert not data.exists()
    put(path)
    before = installed()
    with pytest.raises(SetupError):
        install(str(path), python=sys.executable, verify=broken)
    assert installed() == before
    assert find_renode(Settings()).path.is_dir()


def test_a_package_comes_from_a_url_too(data: Path, tmp_path: Path) -> None:
    put(package(tmp_path).as_uri())
    assert installed() is not None


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("{}/empty", "Neither 'setup.py' nor 'pyproject.toml' found"),
        ("git+file://{}/none", "fatal: "),  # git's own reason, not that it failed
    ],
)
def test_pyrenode3_that_cannot_be_had(data: Path, tmp_path: Path, source: str, said: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(BoardlessError, match=f"pyrenode3 cannot be installed: .*{said}"):
        install(str(package(tmp_path)), pyrenode3=source.format(tmp_path), verify=runs)
    assert not data.exists()


def test_without_pip_it_is_said_before_anything_is_fetched(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "pip", None)  # as Python has it where pip is not installed
    refused(["engine", "install", "renode", "http://127.0.0.1:9/x.tar.gz"], f"{sys.executable} has no pip", capsys)
    put(package(tmp_path))  # with an interpreter that has pyrenode3 none is needed
    assert installed() is not None


@pytest.mark.parametrize(("version", "fits"), [("", False), ("20.3.4", False), ("22.2.2", False), ("22.3", True),
                                               ("26.1.dev0", True)])  # fmt: skip
def test_a_pip_that_cannot_install_elsewhere_is_too_old(version: str, fits: bool) -> None:
    if fits:
        check_pip(version)
    else:
        with pytest.raises(SetupError, match=f"pip {version}, which is too old" if version else "has no pip"):
            check_pip(version)


def test_pyrenode3_is_pinned() -> None:
    assert re.fullmatch(r"pyrenode3 @ git\+https://\S+@[0-9a-f]{40}", PYRENODE3)


def test_the_former_one_is_removed_when_the_next_has_run(data: Path, tmp_path: Path) -> None:
    put(package(tmp_path))
    first = installed()
    other = package(tmp_path, "renode", "bin/Renode.exe", "platforms/a", "README")
    with pytest.raises(SetupError):
        install(str(other), python=sys.executable, verify=broken)
    assert installed() == first
    for mine in ("renode-of-mine", "notes"):
        (data / mine).mkdir()
    put(other)
    second = installed()
    assert first is not None
    assert second is not None
    assert first.sha256 != second.sha256
    kept = [f"renode-{second.sha256[:12]}", "notes", "renode-of-mine", "renode.json"]
    assert sorted(p.name for p in data.iterdir()) == sorted(kept)


def test_a_note_of_what_is_gone_is_none(data: Path, tmp_path: Path) -> None:
    put(package(tmp_path))
    note = data / "renode.json"
    said = json.loads(note.read_text())
    note.write_text(json.dumps({**said, "path": "/nowhere"}))
    assert installed() is None
    note.write_text("{}")
    assert installed() is None
    with pytest.raises(UsageError):
        install("nowhere", verify=runs)
