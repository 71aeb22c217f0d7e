"""The command line: the group of commands, and the conversion of errors to a line and an exit code."""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import sys
from collections import UserDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from tracer import __version__
from tracer.commands import printing, signals
from tracer.errors import TracerError
from tracer.files import write

#: The commands, each in a module of its name in tracer.commands, and what the list of commands prints of it: importing
#: them all takes longer than reading the list.
_COMMANDS = {
    "demo": "Write and show a recorded boot: no cloud is needed.",
    "run": "Start a command with the hooks installed.",
    "record": "Attach to all services, run a command, write its trace.",
    "attach": "Install the hooks in running processes.",
    "detach": "Remove the hooks, and prove it.",
    "status": "Show the processes with hooks, and what they recorded.",
    "tap": "Copy the messages that pass RabbitMQ.",
    "ask": "Log values of expressions from running code.",
    "doctor": "Report for each service whether bootseq can attach.",
    "where": "Show where a request hangs now, and who owes the next step.",
    "watch": "Show boots while they happen.",
    "ingest": "Correlate captures, logs and copies into one trace.",
    "list": "List the boots in a trace.",
    "show": "Print the numbered tree of a boot.",
    "explain": "Explain why a request failed, or where its time went.",
    "draw": "Draw a boot as a diagram, a document or a page.",
    "export": "Export a boot for Jaeger, Perfetto and other viewers.",
    "diff": "Compare two boots, as of two releases.",
    "baseline": "Learn the steps of a release, and what varies.",
    "spec": "Write the assertions that a boot fulfils.",
    "check": "Check boots against assertions.",
    "anonymize": "Replace names, hosts, addresses and ids.",
    "fleet": "Keep many boots, and ask what became slower.",
}


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

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the list of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(sorted(_COMMANDS.items()))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return the commands and options that begin so, without importing the commands."""
        options = click.Command.shell_complete(self, ctx, incomplete)
        commands = [CompletionItem(name, help=text) for name, text in _COMMANDS.items() if name.startswith(incomplete)]
        return commands + options

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
    import traceback

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
@click.version_option(__version__, prog_name="bootseq")
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
