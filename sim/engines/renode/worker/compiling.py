"""The core of core/, compiled by Renode's own compiler for the Renode that runs here; kept, for that takes seconds."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path


def load_core(cache: Path, runtime: str) -> None:
    """Makes `BoardlessCore` known to Renode: from a library in `cache`, which is made when it is not there."""
    from Antmicro.Renode.Utilities import TypeManager

    text = _joined(sorted(Path(__file__).with_name("core").glob("*.cs")))
    key = hashlib.sha256(f"{text}{_build()} {runtime}".encode()).hexdigest()[:24]
    library = cache / f"core-{key}.dll"
    if not library.is_file():
        source = Path(os.environ["TMPDIR"]) / "BoardlessCore.cs"
        source.write_text(text, encoding="utf-8")
        made = _compiled(source)
        cache.mkdir(parents=True, exist_ok=True)
        part = library.with_suffix(f".{os.getpid()}.part")
        shutil.copy(made, part)
        part.replace(library)
    if not TypeManager.Instance.ScanFile(str(library)):
        raise RuntimeError(f"{library}: Renode cannot load it")


def _joined(files: list[Path]) -> str:
    """One source, as Renode 1.15 compiles one file only; a message of the compiler names the one that it was."""
    return "".join(f'#line 1 "{file.name}"\n{file.read_text(encoding="utf-8")}' for file in files)


def _compiled(source: Path) -> Path:
    """Renode 1.16 takes a list of files, for which a Python string would pass, too; 1.15 takes one file."""
    from Antmicro.Renode.Utilities import AdHocCompiler
    from clr import GetClrType
    from System import Array, String

    compiler = AdHocCompiler()
    several = GetClrType(AdHocCompiler).GetMethod("Compile").GetParameters()[0].ParameterType.IsArray
    return Path(str(compiler.Compile(Array[String]([str(source)]) if several else str(source))))


def _build() -> str:
    """Identifies this build of Renode's core, which ours was compiled against: two of one version can differ."""
    from Antmicro.Renode.Peripherals.CPU import CortexM
    from clr import GetClrType

    return str(GetClrType(CortexM).Module.ModuleVersionId)
