"""An archive of others, unpacked: nothing of it gets outside its folder, and nothing is left of one that is bad."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path, PurePosixPath

from sim.errors import UsageError

_MOST_FILES, _MOST_BYTES = 100_000, 8 << 30  # a package of Renode has some 3 000 files and 300 MB


def unpack(archive: Path, folder: Path) -> None:
    """A tar archive (plain, gz, bz2 or xz) into `folder`, which is made. Raises UsageError; `folder` is gone then."""
    folder.mkdir(parents=True)
    try:
        with tarfile.open(archive) as tar:
            _all(tar, archive, folder.resolve())
    except (tarfile.TarError, EOFError, OSError) as error:  # gzip and lzma raise OSError for what is damaged
        shutil.rmtree(folder)
        raise UsageError(f"{archive}: cannot be unpacked: {error}", hint="a package of Renode is a .tar.gz") from None
    except BaseException:
        shutil.rmtree(folder)
        raise


def _all(tar: tarfile.TarFile, archive: Path, root: Path) -> None:
    links: list[tuple[Path, str]] = []
    size = 0
    for number, member in enumerate(tar):
        size += member.size
        if number >= _MOST_FILES or size > _MOST_BYTES:
            raise UsageError(
                f"{archive}: more than {_MOST_FILES} files or {_MOST_BYTES >> 30} GiB", hint="no Renode is"
            )
        place = _inside(root, member.name, archive)
        if member.isdir():
            place.mkdir(parents=True, exist_ok=True)
        elif member.isfile():
            place.parent.mkdir(parents=True, exist_ok=True)
            source = tar.extractfile(member)
            assert source is not None
            with source, place.open("xb") as file:
                shutil.copyfileobj(source, file)
            place.chmod(0o755 if member.mode & 0o100 else 0o644)
        elif member.issym():
            _inside(root, str(PurePosixPath(member.name).parent / member.linkname), archive)
            links.append((place, member.linkname))
        else:
            raise UsageError(f"{archive}: {member.name} is neither file, folder nor symbolic link")
    for place, target in links:  # when all files are written: none goes through a link
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(target)


def _inside(root: Path, name: str, archive: Path) -> Path:
    """The place of a member; raises UsageError for one outside the folder."""
    parts: list[str] = []
    for part in PurePosixPath(name).parts:
        if part == ".." and parts:
            parts.pop()
        elif part in ("..", "/") or "\0" in part:
            raise UsageError(f"{archive}: {name!r} leads out of the archive", hint="it is not what it says it is")
        else:
            parts.append(part)
    return root.joinpath(*parts)
