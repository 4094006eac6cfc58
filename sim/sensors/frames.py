"""Images as a stimulus for a camera."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sim.errors import UsageError
from sim.sensors.parts.frame import pixels
from sim.sensors.stimulus import Values

WIDTH, HEIGHT = 160, 120  # of the HM01B0 at the size that is modelled


@dataclass(frozen=True, init=False, eq=False)
class Frames:
    """Pictures that a camera sees one after the other: picture i from i / rate to (i + 1) / rate seconds.

    At its end a picture is what the part's frame shows: a camera that runs at `rate` delivers each once. Values are
    shares of full scale, 0 is black, 1 is white; float64 [n, height * width], read-only.
    """

    name: str
    rate: float
    values: Values
    width: int
    height: int
    source: str

    def __init__(
        self,
        images: npt.ArrayLike,
        rate: float = 8.0,
        *,
        scale: int = 1,
        background: float = 0.0,
        width: int = WIDTH,
        height: int = HEIGHT,
        name: str = "frames",
        source: str = "",
    ) -> None:
        """`images`: [n, h, w] or [h, w]; uint8 is 0..255, floats (and 0 and 1) are shares of full scale.

        Each pixel is shown as `scale` x `scale` pixels, in the middle of the frame, with `background` around it.
        Raises UsageError for what is larger than the frame, empty, or not finite.
        """
        given = np.asarray(images)
        if given.dtype.kind not in "biuf" or given.ndim not in (2, 3) or not given.size:
            raise UsageError(f"{name}: images of shape {given.shape}, {given.dtype}", hint="give [n, h, w] or [h, w]")
        if given.dtype.kind in "iu" and given.dtype != np.uint8 and (given.min() < 0 or given.max() > 1):
            raise UsageError(
                f"{name}: {given.dtype} from {given.min()} to {given.max()}: how much is white?",
                hint="images.astype(np.uint8) where that is 255, else divided by it: shares of full scale, 0..1",
            )
        shares = given / 255.0 if given.dtype == np.uint8 else given.astype(np.float64)
        if not np.isfinite(shares).all():
            raise UsageError(f"{name}: a pixel that is not a finite number")
        if not 0 < rate < 1e6:
            raise UsageError(f"{name}: {rate} pictures a second", hint="above 0")
        shares = shares[None] if shares.ndim == 2 else shares
        shown = np.repeat(np.repeat(shares, scale, axis=1), scale, axis=2)
        count, h, w = shown.shape
        if h > height or w > width:
            raise UsageError(f"{name}: {w} x {h} pixels", hint=f"the camera's frame has {width} x {height}")
        whole = np.full((count, height, width), float(background))
        top, left = (height - h) // 2, (width - w) // 2
        whole[:, top : top + h, left : left + w] = shown
        values = whole.reshape(count, -1)
        values.setflags(write=False)
        for key, value in {
            "name": name,
            "rate": float(rate),
            "values": values,
            "width": width,
            "height": height,
            "source": source,
        }.items():
            object.__setattr__(self, key, value)

    @staticmethod
    def load(path: str | Path, rate: float = 8.0, **options: float) -> Frames:
        """From a `.png` (8-bit, grey or colour) or a `.npy` with [n, h, w]; options as for Frames."""
        from sim.sensors.png import read_png

        file = Path(path)
        try:
            images = np.load(file, allow_pickle=False) if file.suffix.lower() == ".npy" else read_png(file)
        except (OSError, ValueError) as error:
            raise UsageError(f"{file}: cannot be read as pictures: {error}") from None
        return Frames(images, rate, name=file.stem, source=file.name, **options)  # type: ignore[arg-type]

    @property
    def channels(self) -> tuple[str, ...]:
        """One a pixel, row by row."""
        return pixels(self.width, self.height)

    @property
    def units(self) -> tuple[str, ...]:
        """See Stimulus."""
        return ("fs",) * (self.width * self.height)

    @property
    def duration(self) -> float:
        """In seconds."""
        return len(self.values) / self.rate

    def sample(self, times: Values) -> Values:
        """See Stimulus."""
        # A hair earlier: the picture that ends at that instant is the one that is read out.
        index = np.ceil(times * self.rate - 1e-6).astype(np.int64) - 1
        found: Values = self.values[np.clip(index, 0, len(self.values) - 1)]
        return found

    def changed(self, values: Values) -> Frames:
        """The same with other pixels, float64 [n, height * width]."""
        images = np.asarray(values, dtype=np.float64).reshape(-1, self.height, self.width)
        return Frames(images, self.rate, width=self.width, height=self.height, name=self.name, source=self.source)
