"""A recording's file: a zip with a manifest and plain members, the same bytes for the same content.

Every member is stored, not compressed, and named in the manifest with size and SHA-256. What is read is put together
again and compared with the file, so not one byte of it can be changed unnoticed. Nothing is ever unpacked to disk.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from sim.errors import UsageError
from sim.field.recorded import VERSION
from sim.files import replaced

SUFFIX = ".blrec"
FORMAT = "boardless recording"
MANIFEST = "manifest.json"
FILE_MAX = 512 << 20  # bytes
MEMBERS_MAX = 4096
_NAME = re.compile(r"[a-z0-9_]+(?:[./-][a-z0-9_]+)*")
_HINT = "it is damaged, or not a recording: copy it again from where it was made"


def pack(meta: Mapping[str, Any], members: Mapping[str, bytes]) -> bytes:
    """The file. `meta` is JSON; the manifest is it and the table of members."""
    table = {n: {"size": len(d), "sha256": hashlib.sha256(d).hexdigest()} for n, d in sorted(members.items())}
    manifest = {"format": FORMAT, "version": VERSION, "members": table, **meta}
    text = json.dumps(manifest, sort_keys=True, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return _zipped({MANIFEST: text.encode(), **dict(sorted(members.items()))})


def _zipped(members: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED, allowZip64=False) as file:
        for name, data in members.items():
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.create_system, info.external_attr = 3, 0o644 << 16
            file.writestr(info, data)
    return out.getvalue()


def write(path: Path, meta: Mapping[str, Any], members: Mapping[str, bytes]) -> None:
    """Write the file, whole or not at all. Raises UsageError."""
    size = sum(map(len, members.values()))
    if size > FILE_MAX or len(members) > MEMBERS_MAX:
        raise UsageError(
            f"{path}: {size} bytes in {len(members)} parts are too much for a recording",
            hint=f"at most {FILE_MAX >> 20} MiB in {MEMBERS_MAX} parts: record a shorter run",
        )
    data = pack(meta, members)
    with replaced(path) as file:
        file.write(data)


def read(path: Path) -> tuple[dict[str, Any], dict[str, bytes]]:
    """(manifest, members), both checked. Raises UsageError, one for whatever is wrong."""
    try:
        size = path.stat().st_size
        if not path.is_file():
            raise UsageError(f"{path}: is a folder or a device", hint="give a recording")
        if size > FILE_MAX:
            raise UsageError(f"{path}: {size} bytes are too much for a recording", hint=f"at most {FILE_MAX >> 20} MiB")
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from None
    return unpack(data, str(path))


def unpack(data: bytes, where: str) -> tuple[dict[str, Any], dict[str, bytes]]:
    """`read` of bytes that are there."""
    members = _unzipped(data, where)
    manifest = _manifest(members.pop(MANIFEST, None), where)
    table = manifest.get("members")
    if not isinstance(table, dict) or set(table) != set(members):
        _bad(where, "its table of members does not fit what is in it")
    for name, content in members.items():
        said = table[name]
        if not isinstance(said, dict) or said.get("size") != len(content):
            _bad(where, f"{name} has not the size that the manifest says")
        if said.get("sha256") != hashlib.sha256(content).hexdigest():
            _bad(where, f"{name} has been changed: its SHA-256 is another")
    kept = {k: v for k, v in manifest.items() if k not in ("format", "version", "members")}
    try:
        same = pack(kept, members) == data
    except (ValueError, TypeError, RecursionError):
        same = False
    if not same:
        _bad(where, "there are bytes in it that no recording has")
    return manifest, members


def _unzipped(data: bytes, where: str) -> dict[str, bytes]:
    out: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as file:
            entries = file.infolist()
            if len(entries) > MEMBERS_MAX + 1:
                _bad(where, f"{len(entries)} members")
            for entry in entries:
                if not _NAME.fullmatch(entry.filename) or entry.filename in out:
                    _bad(where, f"a member has the name {entry.filename[:80]!r}")
                if entry.compress_type != zipfile.ZIP_STORED or entry.file_size != entry.compress_size:
                    _bad(where, f"{entry.filename} is packed ({entry.file_size} bytes); a recording's members are not")
                if entry.flag_bits & 1 or entry.file_size > len(data):
                    _bad(where, f"{entry.filename} says that it has {entry.file_size} bytes")
                out[entry.filename] = file.read(entry)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, ValueError, NotImplementedError, RuntimeError,
            struct.error, OSError, IndexError, OverflowError) as error:  # fmt: skip
        _bad(where, f"it is cut short or damaged ({str(error) or type(error).__name__})")
    return out


def _manifest(data: bytes | None, where: str) -> dict[str, Any]:
    if data is None:
        _bad(where, f"it has no {MANIFEST}")
    try:
        loaded = json.loads(data)
    except (ValueError, RecursionError):
        _bad(where, "its manifest is not JSON")
    if not isinstance(loaded, dict) or loaded.get("format") != FORMAT:
        _bad(where, "its manifest is not one of a recording")
    version = loaded.get("version")
    if version != VERSION:
        raise UsageError(
            f"{where}: a recording of version {version!r}; this boardless reads version {VERSION}",
            hint="pip install -U boardless" if isinstance(version, int) and version > VERSION else _HINT,
        )
    return loaded


def _bad(where: str, why: str) -> NoReturn:
    raise UsageError(f"{where}: cannot be read: {why}", hint=_HINT)
