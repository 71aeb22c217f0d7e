"""The command line: the group of commands, and the conversion of errors to a line and an exit code."""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import sys
import traceback
from collections import UserDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from tracer.commands import printing, signals
from tracer.errors import TracerError
from tracer.files import write

#: The commands, each in a module of its name in tracer.commands.
_COMMANDS = (
    "run", "record", "attach", "detach", "status", "tap", "ask", "doctor",
    "ingest", "list", "show", "explain", "draw", "export", "diff", "baseline", "spec", "check",
    "anonymize",
)  # fmt: skip


class _Commands(UserDict[str, click.Command]):
    """Commands by name. A module is imported when its command is looked up: all of them take longer than most need."""

    def __getitem__(self, name: str) -> click.Command:
        """Return the command; raise KeyError if there is none of this name."""
        if name in _COMMANDS and name not in self.data:
            module = importlib.import_module(f"tracer.commands.{name}")
            self.data[name] = module.list_boots if name == "list" else getattr(module, name)
        return self.data[name]

    def __contains__(self, name: object) -> bool:
        return name in _COMMANDS

    def __iter__(self) -> Iterator[str]:
        return iter(_COMMANDS)

    def __len__(self) -> int:
        return len(_COMMANDS)


class _Group(click.Group):
    """A group that reports a TracerError of any command as one line on stderr and exit code 2, Ctrl-C as 130."""

    def invoke(self, context: click.Context) -> Any:
        """Run the command; click itself would exit with 1 after Ctrl-C."""
        try:
            return super().invoke(context)
        except KeyboardInterrupt as error:
            sys.exit(signals.code(error))

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run the command that the arguments name."""
        if isinstance(sys.stdout, io.TextIOWrapper) and isinstance(sys.stdout.buffer, io.RawIOBase):
            # PYTHONUNBUFFERED: a partial write to a full disk would be lost without an error.
            sys.stdout = io.TextIOWrapper(io.BufferedWriter(sys.stdout.buffer), sys.stdout.encoding)
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                # A terminal that cannot show an arrow, or half a surrogate pair, is no reason to stop.
                stream.reconfigure(errors="backslashreplace")
        try:
            code = super().main(*args, **kwargs | {"standalone_mode": False})
            sys.exit(code if isinstance(code, int) else 0)
        except click.Abort:
            sys.exit(signals.INTERRUPTED)
        except click.ClickException as error:
            # The message quotes the command line, which may hold file names.
            usage = io.StringIO()
            error.show(usage)
            for line in usage.getvalue().splitlines():
                printing.say(line)
            sys.exit(error.exit_code)
        except TracerError as error:
            message = str(error)
        except OSError as error:  # reading and writing files have their own; this is our output
            message = f"cannot write: {error.strerror}"
            with contextlib.suppress(OSError):  # else Python tries again at exit, and reports it too
                write.silence(sys.stdout.fileno())
        except MemoryError:
            message = "out of memory; read fewer files at once, or provide more memory"
        except Exception as error:  # noqa: BLE001 - the last resort: no input ends in a traceback
            message = _defect(error)
        printing.note(message)
        sys.exit(2)


def _defect(error: Exception) -> str:
    """Return the report of an unexpected error; print its traceback if BOOTSEQ_DEBUG is set."""
    if os.environ.get("BOOTSEQ_DEBUG"):
        traceback.print_exception(error)
    last = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{Path(last.filename).name}:{last.lineno}"
    return (
        f"{type(error).__name__} at {where}: {str(error)[:200]}: a bug in bootseq; please report it with the "
        "output of the same command with BOOTSEQ_DEBUG=1"
    )


@click.group(
    "bootseq",
    cls=_Group,
    commands=_Commands(),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
)
@click.version_option(package_name="bootseq", prog_name="bootseq")
def main() -> None:
    """Record and explain how an OpenStack cloud boots an instance.

    \b
    On a running cloud, as root:
      bootseq record -o boot.trace.jsonl.gz -- openstack server create --image cirros --flavor m1.tiny --nic none vm1

    \b
    Or record a boot in steps, correlate it, read it:
      bootseq run -o cap -- nova-compute --config-file nova.conf      (each service, and the client)
      bootseq ingest -o boot.trace.jsonl.gz cap
      bootseq show boot.trace.jsonl.gz
      bootseq draw boot.trace.jsonl.gz -o boot.html

    \b
    Compare two releases:
      bootseq diff 32.trace.jsonl.gz 34.trace.jsonl.gz
    """
