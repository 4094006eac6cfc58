"""The page in a real browser: headless Chromium lays it out, light and dark, wide and narrow, without a network."""

from __future__ import annotations

import json
import re
import shutil
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "unit"))
from report_data import record, with_figure

from sim.report.compare import compare, parse_limits
from sim.report.html import html
from sim.report.store import Run

# What the page measures of itself, as the browser has laid it out; put behind it for the test only.
PROBE = """<script>
const box = e => { const r = e.getBoundingClientRect(); return [r.left, r.top, r.right, r.bottom].map(Math.round); };
const texts = [...document.querySelectorAll('details[open] svg')].map(svg => [...svg.querySelectorAll('text')].map(
  t => ({text: t.textContent, box: box(t), within: box(svg)})));
document.body.setAttribute('data-found', JSON.stringify({
  overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  svgs: [...document.querySelectorAll('details[open] svg')].map(box),
  texts: texts,
  background: getComputedStyle(document.body).backgroundColor,
  ink: getComputedStyle(document.body).color,
  bars: [...document.querySelectorAll('details[open] svg .bar')].map(box),
  open: document.querySelectorAll('details[open]').length,
  resources: performance.getEntriesByType('resource').map(r => r.name),
}));
</script></body>"""


@pytest.fixture(scope="module")
def chromium() -> str:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("chromium is not installed (apt install chromium)")
    return found


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    before = Run(tuple(record(f"tests/test_it.py::test_it[{n}]") for n in range(4)), "main", "0123456789ab")
    now = [
        with_figure(record(f"tests/test_it.py::test_it[{n}]"), "cycles", value=800_000 + n * 9_000) for n in range(4)
    ]
    run = Run((*now, record("tests/test_it.py::test_with_a_rather_long_name[arduino_nano_33_ble-running_07]")))
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(html(run, compare(before, run, parse_limits("cycles:1%"))), encoding="utf-8")
    return path


def run_chromium(chromium: str, folder: Path, *options: str) -> subprocess.CompletedProcess[bytes]:
    command = [
        chromium, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
        "--no-first-run", "--disable-extensions", "--disable-background-networking", f"--user-data-dir={folder}",
        "--host-resolver-rules=MAP * ~NOTFOUND", *options,
    ]  # fmt: skip
    return subprocess.run(command, capture_output=True, timeout=120, check=True)


def laid_out(chromium: str, page: Path, folder: Path, width: int, *, dark: bool = False) -> dict[str, object]:
    probed = folder / "probed.html"
    probed.write_text(page.read_text(encoding="utf-8").replace("</body>", PROBE), encoding="utf-8")
    scheme = f"--blink-settings=preferredColorScheme={0 if dark else 1}"
    done = run_chromium(chromium, folder / "user", scheme, f"--window-size={width},1600", "--dump-dom", probed.as_uri())
    found = re.search(r'data-found="([^"]*)"', done.stdout.decode("utf-8"))
    assert found, done.stderr.decode("utf-8", "replace")[-2000:]
    from html import unescape

    data: dict[str, object] = json.loads(unescape(found[1]))
    return data


def png(path: Path) -> tuple[int, int, list[bytes]]:
    """Width, height and rows of an 8-bit RGB or RGBA picture."""
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, packed, width, height, channels = 8, b"", 0, 0, 3
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + 8 + size]
        if kind == b"IHDR":
            width, height, depth, colour = struct.unpack(">IIBB", body[:10])
            assert (depth, colour in (2, 6)) == (8, True)
            channels = 3 if colour == 2 else 4
        elif kind == b"IDAT":
            packed += body
        at += 12 + size
    raw, stride = zlib.decompress(packed), width * channels
    rows, last = [], bytearray(stride)
    for y in range(height):
        start = y * (stride + 1)
        rows.append(bytes(_unfiltered(raw[start], bytearray(raw[start + 1 : start + 1 + stride]), last, channels)))
        last = bytearray(rows[-1])
    return width, height, rows


def _unfiltered(how: int, row: bytearray, above: bytearray, bpp: int) -> bytearray:
    for i in range(len(row)):
        a = row[i - bpp] if i >= bpp else 0
        b, c = above[i], above[i - bpp] if i >= bpp else 0
        if how == 1:
            row[i] = (row[i] + a) & 255
        elif how == 2:
            row[i] = (row[i] + b) & 255
        elif how == 3:
            row[i] = (row[i] + (a + b) // 2) & 255
        elif how == 4:
            p = a + b - c
            nearest = min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]
            row[i] = (row[i] + nearest) & 255
    return row


@pytest.mark.parametrize("width", [1200, 700])
def test_nothing_overflows_or_overlaps(chromium: str, page: Path, tmp_path: Path, width: int) -> None:
    found = laid_out(chromium, page, tmp_path, width)
    assert found["overflow"] == 0
    assert found["resources"] == []
    assert found["open"] == 3
    svgs, texts, bars = found["svgs"], found["texts"], found["bars"]
    assert isinstance(svgs, list)
    assert isinstance(texts, list)
    assert isinstance(bars, list)
    shown = [box for box in svgs if box[2] > box[0]]
    assert len(shown) == 3 * 4  # those of the open tests
    assert all(box[3] - box[1] > 20 for box in shown)
    assert sum(box[2] > box[0] for box in bars) >= 3 * 3
    for plot in texts:
        drawn = [t for t in plot if t["box"][2] > t["box"][0]]
        for text in drawn:
            box, within = text["box"], text["within"]
            assert within[0] - 2 <= box[0] <= box[2] <= within[2] + 2, text
            assert within[1] - 2 <= box[1] <= box[3] <= within[3] + 2, text
        for i, one in enumerate(drawn):
            for other in drawn[i + 1 :]:
                a, b = one["box"], other["box"]
                wide = min(a[2], b[2]) - max(a[0], b[0])
                high = min(a[3], b[3]) - max(a[1], b[1])
                assert wide <= 2 or high <= 4, f"{one['text']!r} lies on {other['text']!r}"


def test_light_and_dark(chromium: str, page: Path, tmp_path: Path) -> None:
    light = laid_out(chromium, page, tmp_path, 1200)
    dark = laid_out(chromium, page, tmp_path, 1200, dark=True)

    def brightness(colour: object) -> float:
        return sum(int(part) for part in re.findall(r"\d+", str(colour))[:3]) / 3

    assert brightness(light["background"]) > 200 > 100 > brightness(light["ink"])
    assert brightness(dark["background"]) < 60 < 150 < brightness(dark["ink"])


def test_a_picture_of_it(chromium: str, page: Path, tmp_path: Path) -> None:
    """Drawn, not only laid out: the colours of the plots are in it."""
    picture = tmp_path / "report.png"
    run_chromium(chromium, tmp_path / "user", "--blink-settings=preferredColorScheme=1", "--window-size=1200,2400",
                 f"--screenshot={picture}", page.as_uri())  # fmt: skip
    width, height, rows = png(picture)
    assert (width, height) == (1200, 2400)
    channels = len(rows[0]) // width
    colours: dict[bytes, int] = {}
    for row in rows:
        for x in range(0, len(row), channels):
            pixel = row[x : x + 3]
            colours[pixel] = colours.get(pixel, 0) + 1
    for name in ("2563b0", "d1651a", "1a7f4b", "c4302b"):  # the lines, a bar, a kept and a missed budget
        assert colours.get(bytes.fromhex(name), 0) > 50, name
    assert colours[bytes.fromhex("f7f8fa")] > width * height * 0.1
