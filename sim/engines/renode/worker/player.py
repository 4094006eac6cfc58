"""What the worker does with Renode. Each `do_...` is one request: JSON values and bytes in and out."""

from __future__ import annotations

import ctypes
import hashlib
import logging
import os
import re
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from compiling import load_core
from feeding import Feeding

Answer = tuple[dict[str, Any], bytes]
_HEARTBEAT = 500  # ms between two signs of life while the core runs
_CLOSE_WITHIN = 3000  # ms
_COLLECT_EVERY = 4  # machines
BUFFER = 1 << 20  # bytes that go in or out with one stop, at most


class Player:
    """One Renode, one machine at a time."""

    def __init__(self, cache: Path, alive: Callable[[int], None]) -> None:
        logging.disable(logging.WARNING)
        warnings.simplefilter("ignore")
        from pyrenode3.wrappers import Emulation, Monitor

        self._alive = alive
        self._emulation = Emulation()
        self._buffer = ctypes.create_string_buffer(BUFFER)
        self._machine: Any = None
        self._cpu: Any = None
        self._closed = 0  # machines
        from Antmicro.Renode.Logging import Logger, LogLevel
        from Antmicro.Renode.Logging.Backends import MemoryBackend

        self._version = _version()
        self._monitor = Monitor()
        self._log = MemoryBackend()
        Logger.AddBackend(self._log, "boardless", True)
        self._log.SetLogLevel(LogLevel.Warning)
        load_core(cache, self._runtime())

    def described(self) -> dict[str, str]:
        """Version of Renode and of what it runs in."""
        return {"renode": self._version, "runtime": self._runtime(), "python": sys.version.split()[0]}

    def _runtime(self) -> str:
        from System import Environment, Type
        from System.Reflection import BindingFlags

        mono = Type.GetType("Mono.Runtime")
        if mono is None:
            return f".NET {Environment.Version}"
        name = mono.GetMethod("GetDisplayName", BindingFlags.NonPublic | BindingFlags.Static)
        return f"mono {str(name.Invoke(None, None)).split()[0]}"

    # ---- a machine ----

    def do_open(
        self, _data: bytes, elf: str, text: str, uart: str, quantum_us: int, strict: bool, timed: bool
    ) -> Answer:
        """A new machine: its description, the image, the UART that is the console; `strict`, `timed`: see Core.cs."""
        self._clear()
        from Antmicro.Renode.PlatformDescription.UserInterface import PlatformDescriptionMachineExtensions as Platform
        from Antmicro.Renode.Time import TimeInterval

        # Of this emulation: the next one, after a clear, has real time again.
        self._emulation.SetGlobalAdvanceImmediately(True)
        self._emulation.SetGlobalQuantum(TimeInterval.FromMicroseconds(quantum_us))
        self._machine = self._emulation.add_mach("board")
        inner = self._machine.internal
        self._monitor.Machine = inner
        Platform.LoadPlatformDescriptionFromString(inner, self._localised(text))
        bus = self._machine.sysbus.internal
        cpu = self._machine.sysbus.cpu.internal
        console = getattr(self._machine.sysbus, uart).internal if uart else None
        _load_elf(self._machine, bus, elf)
        self._bus, self._cpu = bus, cpu
        cpu.Prepare(self._emulation.internal, console, strict, timed)
        self._parts: dict[str, Feeding] = {}
        return {"halted": bool(cpu.IsHalted), "pc": int(cpu.PC.RawValue)}, b""

    def _localised(self, text: str, folder: Path | None = None) -> str:
        """A description with our core in the place of Renode's, in the files that it uses too, and no downloads."""
        from pyrenode3.loader import RenodeLoader

        root = Path(str(RenodeLoader().root))

        def used(match: re.Match[str]) -> str:
            given = match[1]
            source = (folder or root) / given if given.startswith(".") else root / given
            made = Path(os.environ["TMPDIR"]) / f"{hashlib.sha256(str(source).encode()).hexdigest()[:16]}.repl"
            made.write_text(self._localised(source.read_text(encoding="utf-8-sig"), source.parent), encoding="utf-8")
            return f'using "{made}"'

        text = re.sub(r'^using "([^"]+)"', used, text, flags=re.MULTILINE)
        text = re.sub(r"^(\s+)ApplySVD .*$", r'\1Tag <0xE00FFFF0, 0xE00FFFF3> "NONE"', text, flags=re.MULTILINE)
        return text.replace("CPU.CortexM @", "CPU.BoardlessCore @")

    def _clear(self) -> None:
        if self._machine is None:
            return
        if self._cpu is not None and not self._cpu.Close(_CLOSE_WITHIN):  # None: its description was no good
            raise RuntimeError("the core does not come to an end")
        self._machine = self._cpu = self._bus = None
        self._emulation.clear()
        # .NET knows nothing of the memory outside its heap that a machine has, and lets some 20 of them, 3 MB each, lie
        # there before it looks; what comes between them then keeps the holes from closing. To look costs 40 ms.
        self._closed += 1
        if self._closed % _COLLECT_EVERY == 0:
            from System import GC

            GC.Collect()

    def do_close(self, _data: bytes) -> Answer:
        self._clear()
        return {}, b""

    def do_arm(self, _data: bytes, name: str, address: int, stop: bool, region: bool, bell: str) -> Answer:
        if not (stop and name == bell and self._cpu.Bell(name, address)):
            self._cpu.Arm(name, address, stop, region)
        return {}, b""

    def do_resume(self, data: bytes, limit: int, glance: list[int]) -> Answer:
        """Go on until the next stop. `data`: what is written before, see Stops.cs; `glance`: [address, length] of what
        is wanted of memory at the stop, whatever it is. Behind the header comes what Stops.cs packs."""
        ctypes.memmove(self._buffer, data, len(data))
        at = ctypes.addressof(self._buffer)
        length = self._cpu.Run(limit, _HEARTBEAT, at, len(data), *glance)
        while length < 0:
            self._alive(int(self._cpu.Count))
            length = self._cpu.Wait(_HEARTBEAT, at, *glance)
        return {}, ctypes.string_at(at, length)

    # ---- the product's own peripherals ----

    def do_send(self, data: bytes, apart_ns: int) -> Answer:
        """Bytes for the firmware at the console's UART, one every `apart_ns` of Renode's time."""
        from System import Array, Byte

        self._cpu.Send(Array[Byte](list(data)), apart_ns)
        return {}, b""

    def _part(self, path: str) -> Feeding:
        if path not in self._parts:
            at, inner = self._machine.sysbus, [None]  # its bus controller, if it is on one, comes before it
            for name in path.split("."):
                at = getattr(at, name)
                inner.append(at.internal)
            self._parts[path] = Feeding(inner[-1], inner[-2], self._bus)
        return self._parts[path]

    def do_feed(self, data: bytes, part: str, anew: bool) -> Answer:
        """What a sensor's model is to deliver next, see feeding.py; `anew`: in place of what it has not delivered yet.

        Answers how many samples that were (`dropped`).
        """
        feeding = self._part(part)
        dropped = feeding.drop() if anew else 0
        if data:
            feeding.feed(data)
        return {"dropped": dropped}, b""

    def do_fault(self, _data: bytes, part: str, kind: str, on: bool) -> Answer:
        """A fault of the bus that a part is on, see feeding.py."""
        self._part(part).fault(kind, on)
        return {}, b""

    # ---- looking ----

    def do_read(self, _data: bytes, address: int, length: int) -> Answer:
        return {}, bytes(self._bus.ReadBytes(address, length))

    def do_write(self, data: bytes, address: int) -> Answer:
        from System import Array, Byte, IntPtr
        from System.Runtime.InteropServices import Marshal

        values = Array.CreateInstance(Byte, len(data))
        if data:
            buffer = ctypes.create_string_buffer(data, len(data))
            Marshal.Copy(IntPtr(ctypes.addressof(buffer)), values, 0, len(data))
        self._bus.WriteBytes(values, address)
        return {}, b""

    def do_registers(self, _data: bytes) -> Answer:
        values = {f"r{i}": int(self._cpu.GetRegister(i).RawValue) for i in range(13)}
        for name, number in (("sp", 13), ("lr", 14), ("pc", 15)):
            values[name] = int(self._cpu.GetRegister(number).RawValue)
        values["xpsr"] = int(self._cpu.XProgramStatusRegister)
        return {"registers": values}, b""

    def do_word(self, _data: bytes, address: int) -> Answer:
        return {"value": int(self._bus.ReadDoubleWord(address))}, b""

    def do_regions(self, _data: bytes) -> Answer:
        return {"runs": [line.rsplit(" ", 3) for line in str(self._cpu.TakeRuns() or "").splitlines()]}, b""

    def do_log(self, _data: bytes, lines: int) -> Answer:
        from Antmicro.Renode.Logging import Logger

        Logger.Flush()
        entries = list(self._log.GetMemoryLogEntries(lines))
        return {"lines": [f"{e.Type}: {e.Message}" for e in entries]}, b""


def _load_elf(machine: Any, bus: Any, elf: str) -> None:
    """Renode 1.16 has it as an extension that pyrenode3 knows; 1.15 as a method of the bus."""
    if hasattr(bus, "LoadELF"):
        from Antmicro.Renode.Utilities import ReadFilePath

        bus.LoadELF(ReadFilePath(elf))
    else:
        machine.load_elf(elf)


def _version() -> str:
    """ "1.15.3" and the like. Renode itself asks the program that it was started as, which here is Python."""
    from System import AppDomain

    for assembly in AppDomain.CurrentDomain.GetAssemblies():
        name = assembly.GetName()
        if name.Name == "Renode":  # its fourth number is the time of the build
            return f"{name.Version.Major}.{name.Version.Minor}.{name.Version.Build}"
    return "unknown"
