"""A program that passes for a QEMU: it speaks QMP, migrates nothing, and saves whatever memory FAKE asks for.

FAKE is one of BEHAVIOURS; FAKE_LOG a file to which it appends `name pid` and each command that it was given.
"""

import json
import os
import re
import socket
import stat
import sys
from pathlib import Path

VERSION = "QEMU emulator version {} (a fake)\nCopyright (c) nobody"
PAGE = 4096
ASSERTION = "fake: physmem.c:1: tlb_reset_dirty_range_all: Assertion `block' failed."
SAID = {"no-machine": "fake: unsupported machine type 'pc'", "crash": "fake: out of luck", "abort": ASSERTION}


def fake_qemu(at, behaviour, version="10.0.2"):
    """A path to hand to `--qemu`; the log is beside it, as `log`."""
    path = Path(at) / "qemu"
    settings = f"FAKE={behaviour} FAKE_VERSION={version} FAKE_LOG={at}/log"
    path.write_text(f'#!/bin/sh\n{settings} exec {sys.executable} -IS {__file__} "$@"\n')
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def logged(at):
    """What the fakes wrote down."""
    log = Path(at) / "log"
    return log.read_text().splitlines() if log.exists() else []


def pids(at):
    """Process ids of the fakes that were started."""
    return [int(line.split()[1]) for line in logged(at) if line.startswith(("source ", "destination "))]


class Fake:
    """One side of a migration."""

    def __init__(self, argv):
        self.does = os.environ["FAKE"]
        self.name = "destination" if "-incoming" in argv else "source"
        chardevs = dict(re.fullmatch(r"socket,id=(\w+),fd=(\d+)", a).groups() for a in argv if a.startswith("socket,"))
        self.ends = {name: socket.socket(fileno=int(fd)) for name, fd in chardevs.items()}
        self.asked = 0
        self.log(f"{self.name} {os.getpid()}")

    def log(self, line):
        with Path(os.environ["FAKE_LOG"]).open("a") as out:
            out.write(f"{line}\n")

    def serve(self):
        if self.does == "no-machine":
            self.end(1)
        if self.does != "silent":
            self.ends["com1"].send(b"R")
        version = {"qemu": {"major": 10, "minor": 0, "micro": 2}, "package": ""}
        self.say({"QMP": {"version": version, "capabilities": []}} if self.does != "deaf" else {"I": "am no QEMU"})
        for asked in self.commands():
            answer = self.answer(asked["execute"], asked.get("arguments", {}))
            self.say({**({"id": asked["id"]} if "id" in asked else {}), **answer})

    def say(self, document):
        self.ends["qmp"].sendall(f"{json.dumps(document)}\n".encode())

    def commands(self):
        """JSON objects one after the other, with or without newlines between, as QMP has them."""
        text, decoder = "", json.JSONDecoder()
        while more := self.ends["qmp"].recv(4096):
            text = (text + more.decode()).lstrip()
            while text:
                try:
                    command, end = decoder.raw_decode(text)
                except ValueError:
                    break
                text = text[end:].lstrip()
                yield command

    def answer(self, command, arguments):
        if self.name == "source":
            self.log(f"{command} {json.dumps(arguments, sort_keys=True)}")
        if self.does in ("abort", "crash") and command == "migrate" and self.name == "source":
            self.end(-6 if self.does == "abort" else 3)
        if (self.does, command) in (("refuse", "migrate-set-capabilities"), ("blind", "screendump")):
            return {"error": {"class": "GenericError", "desc": f"{command} is unknown"}}
        return {"return": getattr(self, command.replace("-", "_"), lambda: {})(**fix(arguments))}

    def end(self, code):
        sys.stderr.write(f"{SAID[self.does]}\n")
        sys.stderr.flush()
        if code < 0:
            os.kill(os.getpid(), -code)
        os._exit(code)

    def query_migrate(self):
        self.asked += 1
        if self.does == "fail":
            return {"status": "failed", "error-desc": "the link is down"}
        done = self.does != "hang" and self.asked > 1
        ram = {"dirty-sync-count": self.asked, "remaining": 1 << 20}
        return {"status": "completed" if done or self.name == "destination" else "active", "ram": ram}

    def pmemsave(self, val, size, filename):
        stale = int(self.does.removeprefix("stale-")) if self.does.startswith("stale-") else 0
        own = {"source": b"\2", "destination": b"\1"}[self.name].ljust(PAGE, b"\0")
        Path(filename).write_bytes((own * stale).ljust(size, b"\0" if self.does == "idle" else b"\3"))
        return {}


def fix(arguments):
    return {name.replace("-", "_"): value for name, value in arguments.items()} if "val" in arguments else {}


if __name__ == "__main__":
    if sys.argv[1:] == ["--version"]:
        sys.stdout.write(VERSION.format(os.environ["FAKE_VERSION"]))
    else:
        Fake(sys.argv[1:]).serve()
