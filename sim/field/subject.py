"""What a pinned test runs: the app as it is built then, or a finished ELF."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from sim.elf import load_elf
from sim.errors import UsageError
from sim.field.recorded import FieldRecording
from sim.field.replay import image_of

if TYPE_CHECKING:
    from sim.target import Target


@dataclass(frozen=True)
class Subject:
    """As it stands in the markers of the test: `app` (a name or a folder) with `model` and `recorder`, or `firmware`.

    "": not given. Paths are from the test's folder, or from here.
    """

    app: str = ""
    firmware: str = ""
    model: str = ""
    recorder: str = ""

    def checked(self, recording: FieldRecording) -> Subject:
        """With the recorded app where none is given. Raises UsageError."""
        from sim.firmware.recorder import RecorderOption

        if self.recorder:
            RecorderOption.parse(self.recorder)
        if self.firmware:
            if self.app:
                raise UsageError("--app and --firmware", hint="one of them: what should the test run? (One that fails, "
                                 "of an app that is fixed already, is --failed OLD.elf)")  # fmt: skip
            if self.recorder:
                raise UsageError("--recorder and --firmware", hint="a finished ELF has its recorder in it, or has none")
            if self.model:
                raise UsageError("--model and --firmware", hint="a finished ELF has its model in it")
            return self
        app = self.app or str(recording.build.get("app", ""))
        if not app:
            raise UsageError(
                "the recording does not say what its firmware was built from",
                hint="which should the test run? --app NAME|FOLDER, or --firmware build/product.elf",
            )
        return replace(self, app=app)

    @property
    def text(self) -> str:
        """In words."""
        return self.firmware or f"app {self.app} as it is built now"

    def marks(self, board: str) -> list[str]:
        """The markers of the test."""
        out = [f"@pytest.mark.board({board!r})"]
        for kind in ("app", "firmware", "model", "recorder"):
            given = getattr(self, kind)
            out += [f"@pytest.mark.{kind}({given!r})"] if given else []
        return out

    def elf(self, test: Path, target: Target, progress: Callable[[str], None]) -> Path:
        """What the test in that file will run. Raises UsageError, BuildError, SetupError."""

        def found(given: str) -> Path:
            path = Path(given).expanduser()
            return next((f / path for f in (test.parent, Path.cwd()) if (f / path).exists()), path)

        if self.firmware:
            if not found(self.firmware).is_file():
                raise UsageError(f"{self.firmware}: no such file", hint="an ELF, from the test's folder or from here")
            return found(self.firmware)
        folder = found(self.app)
        model = found(self.model).absolute() if self.model else None
        return target.build(folder if folder.is_dir() else self.app, model, progress=progress).elf


def recorder_in(recording: FieldRecording) -> bool:
    """Whether the recorded firmware has a recorder that boardless built in."""
    if recording.elf is None:
        return False
    with image_of(recording, None) as elf:
        return "boardless_recorder_start" in load_elf(elf).symbols
