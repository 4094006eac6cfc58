"""Bugs that are planted in copies of the shipped apps: what is changed in the source, and what comes of it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from sim.paths import data_root


@dataclass(frozen=True)
class Bug:
    """`changes`: (as it ships, with the bug), or, where the app as it ships is not the fixed one, `fixed` as well.

    `head`: lines in front of the source, with and without the bug.
    """

    app: str
    changes: tuple[tuple[str, str], ...]
    fixed: tuple[tuple[str, str], ...] = ()
    head: str = ""

    def plant(self, folder: Path) -> Path:
        """A copy of the app with the bug, in folder/app; what is there is replaced."""
        return self._write(folder, self.changes)

    def mend(self, folder: Path) -> Path:
        """The same without it."""
        return self._write(folder, self.fixed)

    def _write(self, folder: Path, changes: tuple[tuple[str, str], ...]) -> Path:
        copy = folder / self.app
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(data_root() / "firmware" / "apps" / self.app, copy)
        source = copy / f"{self.app}.cc"
        text = source.read_text(encoding="utf-8")
        for old, new in changes:
            assert text.count(old) == 1, f"{source} has not got {old!r} once: the app has changed, change the bug, too"
            text = text.replace(old, new)
        source.write_text(self.head + text, encoding="utf-8")
        return copy


_READ = "  while (imu.read(&samples[0][0], card::stride)) {\n"
_DECIDE = "decide(best, model.output().real(best));\n"
_FORGET = "  uint32_t lost = 0, waits = 0;\n"  # a window that a gap goes through is none
_SKIP = """    if (imu.lost() != lost) waits = card::window;
    lost = imu.lost();
    waits -= waits < card::stride ? waits : card::stride;
    if (!window.due() || waits) continue;
"""

OFF_BY_ONE = Bug("gesture", (  # all values stand one place too far in the window: ay where ax is meant
    ("window.copy_to(model.input().as<int8_t>());", "window.copy_to(model.input().as<int8_t>() + 1);"),
))  # fmt: skip

BUS_FAULT = Bug("gesture", (  # a look-up with an index that is none, once the device is shaken
    ("int main() {\n", """\
__attribute__((noinline)) int gain_of(uint32_t index) {
  return *reinterpret_cast<const volatile int32_t*>(0xF0000000u + 4 * index) + 1;
}

int main() {
"""),
    (_READ, _READ + "    if (samples[0][0] > 9000) show(9, gain_of(4));\n"),
))  # fmt: skip

STACK = Bug("gesture", (  # as deep as there are loud samples in a row
    ("int main() {\n", """\
__attribute__((noinline)) int loud_in_a_row(const int16_t (*s)[kAxes], uint32_t left) {
  volatile int16_t seen[kAxes * 120];
  if (left == 0 || (s[0][0] < 9000 && s[0][0] > -9000)) return 0;
  seen[left] = s[0][0];
  return loud_in_a_row(s + 1, left - 1) + (seen[left] != 0);
}

int main() {
"""),
    (_READ, _READ + "    if (loud_in_a_row(samples, card::stride) > 6) show(9, 1);\n"),
), (
    ("int main() {\n", """\
int loud_in_a_row(const int16_t (*s)[kAxes], uint32_t left) {
  int n = 0;
  while (left-- && (s[n][0] >= 9000 || s[n][0] <= -9000)) n++;
  return n;
}

int main() {
"""),
    (_READ, _READ + "    if (loud_in_a_row(samples, card::stride) > 6) show(9, 1);\n"),
))  # fmt: skip

# Until an instant between two samples, 0.9 s behind the window: as many are lost whatever the firmware's speed.
_REPORT = f"""{_DECIDE}
    if (best == 5) {{  // tells the fleet's server
      const uint64_t until = opened + (imu.index() + card::stride + 90) * 10000000ull + 5000000;
      bl_sleep_ns(until - bl_time_ns());
    }}
"""
_OPENED = ("  int16_t samples[card::stride][kAxes];\n",
           "  const uint64_t opened = bl_time_ns();\n  int16_t samples[card::stride][kAxes];\n")  # fmt: skip
STALE = Bug("vehicle", (_OPENED, (_DECIDE, _REPORT)), (
    (_OPENED[0], _FORGET + _OPENED[1]), ("    if (!window.due()) continue;\n", _SKIP), (_DECIDE, _REPORT),
))  # fmt: skip

DROPOUT = Bug("gesture", (), (
    ("  int16_t samples[card::stride][kAxes];\n", _FORGET + "  int16_t samples[card::stride][kAxes];\n"),
    ("    if (!window.due()) continue;\n", _SKIP),
))  # fmt: skip

_LOUDNESS = """    int64_t power = 0;
    for (int16_t s : sound) power += static_cast<int32_t>(s) * s;
    loudness = static_cast<{type}>(loudness - loudness / 32 + power);  // of the last 0.6 s
"""
_LOOK = "    if (!framed || !window.due()) continue;\n"
_SOUND = "  while (microphone.read(sound, kHop)) {\n"


def _gated(kind: str) -> tuple[tuple[str, str], ...]:
    return (
        (_SOUND, f"  {kind} loudness = 0;\n{_SOUND}" + _LOUDNESS.replace("{type}", kind)),
        (_LOOK, _LOOK.replace(") continue", " || loudness < 100000) continue")),  # nothing is looked at in silence
    )


OVERFLOW = Bug("keyword", _gated("int32_t"), _gated("int64_t"))

_SCALED = "input[axis] = scaled(sample[axis]);"
AXES = Bug("gesture", (  # x and y of another mounting, on which the model was not trained
    (_SCALED, _SCALED.replace("[axis])", "[axis < 2 ? 1 - axis : axis])")),
))  # fmt: skip

_MOST = """__attribute__((noinline)) int32_t loudest(const int16_t (*s)[kAxes], uint32_t count) {
  volatile int32_t most{};
  for (uint32_t i = 0; i < count; i++) {
    if (s[i][0] > most) most = s[i][0];
  }
  return most;
}

int main() {
"""
_NO_HIT = _READ + "    if (loudest(samples, card::stride) > 32767 / 2) continue;  // a hit is no motion\n"
UNSET = Bug("gesture", (  # begins with what the inference has left on the stack
    ("int main() {\n", _MOST.replace("{};", ";")), (_READ, _NO_HIT),
), (("int main() {\n", _MOST.replace("{};", " = 0;")), (_READ, _NO_HIT)))  # fmt: skip

# The timer runs while the display is drawn, and by its ticks: which of them come there does not hang on how fast the
# rest of the firmware is.
_TIMER = """volatile uint32_t best_now, ticks;
extern "C" void SysTick_Handler() {
  ticks = ticks + 1;
  if (ticks % 6 == 0) best_now = 0;  // nothing for a while: as at the start
}

void draw() {
  auto* systick = reinterpret_cast<volatile uint32_t*>(0xE000E010);
  systick[1] = 20000;
  systick[2] = 0;
  systick[0] = 7;
  for (const uint32_t from = ticks; ticks - from < 2;) continue;
  systick[0] = 0;
}

int main() {
"""
_GIVEN = "    decide(smoothing.best(), smoothing.mean(smoothing.best()));\n"
_SHARED = """    best_now = smoothing.best();
    draw();
    decide({}, smoothing.mean(smoothing.best()));
"""
RACE = Bug("gesture", (("int main() {\n", _TIMER), (_GIVEN, _SHARED.format("best_now"))),
           (("int main() {\n", _TIMER), (_GIVEN, _SHARED.format("smoothing.best()"))))  # fmt: skip

_TRAVELLED = """uint32_t travelled(const int16_t (*s)[kAxes]) {  // of all codes of the accelerometer
  uint32_t sum = 0;
  for (uint32_t i = 1; i < card::stride; i++) {
    for (uint32_t axis = 0; axis < 3; axis++) sum += static_cast<uint32_t>(abs(s[i][axis] - s[i - 1][axis]));
  }
  return sum;
}

int main() {
"""
_RESTS = "    const bool rests = travelled(samples) * 1000ull / ms < 12000;\n"
_UNLESS = "    if (rests) decide(0, 1.0f);\n    else decide(smoothing.best(), smoothing.mean(smoothing.best()));\n"
_BY_CLOCK = """    const uint64_t now = bl_time_ns();
    const uint64_t ms = (now - before) / 1000000;  // since the samples before: as if no read were ever late
    before = now;
"""
_BY_RATE = "    const uint64_t ms = card::stride * 1000000ull / imu.rate_mhz();\n"
_BEFORE = "  int16_t samples[card::stride][kAxes];\n"
LATE = Bug("gesture", (  # how fast it moves is reckoned with when the samples came, not with when they were taken
    ("int main() {\n", _TRAVELLED), (_BEFORE, "  uint64_t before = bl_time_ns();\n" + _BEFORE),
    (_READ, _READ + _BY_CLOCK + _RESTS), (_GIVEN, _UNLESS),
), (("int main() {\n", _TRAVELLED), (_READ, _READ + _BY_RATE + _RESTS), (_GIVEN, _UNLESS)),
    head="#include <stdlib.h>\n")  # fmt: skip
