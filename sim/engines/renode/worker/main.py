"""Runs in a process of its own, in the interpreter that has pyrenode3: `python main.py FD CACHE`.

Answers requests of `sim.engines.renode.process` one after the other until the other end is closed. Needs nothing of
boardless but the files beside it.
"""

from __future__ import annotations

import os
import shutil
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from rpc import Channel, Gone


def serve(channel: Channel, player: Any) -> None:
    """Until the other side is gone. Each machine has a thread of its own: what Renode keeps for a thread that has read
    or written the machine's memory holds the whole machine for as long as the thread lives."""
    more = True

    def machine() -> None:
        nonlocal more
        more = _serve_machine(channel, player)

    while more:
        more = False  # should the thread die
        thread = threading.Thread(target=machine, name="boardless")
        thread.start()
        thread.join()


def _serve_machine(channel: Channel, player: Any) -> bool:
    """Answers until a machine has been closed (true), or the other side is gone (false)."""
    name = ""
    while name != "close":
        try:
            request, data = channel.receive()
        except Gone:
            return False
        name = request.pop("do")
        try:
            do: Callable[..., tuple[dict[str, Any], bytes]] = getattr(player, f"do_{name}")
            answer, out = do(data, **request)
        except Exception as error:  # .NET exceptions too: whatever it is, the other side shall hear of it
            answer, out = {"error": type(error).__name__, "text": str(error).strip()}, b""
        try:
            channel.send(answer, out)
        except Gone:
            return False
    return True


def main() -> None:
    threading.current_thread().name = "boardless"
    end = socket.socket(fileno=int(sys.argv[1]))
    channel = Channel(end)
    try:
        from player import Player

        player = Player(Path(sys.argv[2]), lambda count: channel.send({"count": count}))
    except Exception as error:
        channel.send({"error": type(error).__name__, "text": str(error).strip()})
        os._exit(1)
    channel.send({"ready": player.described()})
    serve(channel, player)
    sys.stderr.flush()
    # The other side has ended, or was killed and could not clear this up.
    shutil.rmtree(os.environ["TMPDIR"], ignore_errors=True)
    os._exit(0)  # leaving .NET in good order takes five seconds


if __name__ == "__main__":
    main()
