"""``bootseq detach``: removal of the hooks, with proof."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import click

from tracer.attach import detach as detaching
from tracer.attach import registry
from tracer.attach.detach import Attached
from tracer.attach.eligibility import ProcessReport
from tracer.callbacks import ignore
from tracer.commands import printing, process_reports
from tracer.commands.host_options import HostChoice, connected, host_options, on_hosts
from tracer.commands.options import PATH
from tracer.errors import TracerError
from tracer.recording import capture as captures
from tracer.recording import recorded_hosts
from tracer.text import plural


@click.command()
@click.option("--all", "everything", is_flag=True, help="Detach from all processes that record into captures of yours.")
@click.option("--everyone", is_flag=True, help="With --all: also processes that record for other users.")
@click.option("--yes", is_flag=True, help="With --all: do not ask on a terminal.")
@process_reports.json_option
@host_options
@click.argument("capture", required=False, type=PATH)
def detach(capture: Path | None, everything: bool, everyone: bool, yes: bool, as_json: bool, hosts: HostChoice) -> None:
    """Remove the hooks from the processes that record into CAPTURE, and prove it.

    --all names the processes and asks, on a terminal. Each process confirms that every patched attribute is the
    original object again. The exit code is 1 if that is not so in some process. With hosts, it is done on each, what
    was recorded there for CAPTURE is fetched into it, and the exit code is 1 as well if one cannot be reached; so it
    takes over what a recording that was killed has left.

    \b
    Examples:
      bootseq detach cap
      bootseq detach --all
      bootseq detach --all --everyone
      bootseq detach --inventory multinode --become cap
    """
    if (capture is None) != everything or (everyone and not everything):
        raise TracerError("nothing to detach; pass CAPTURE, --all, or --all --everyone")
    if hosts and everyone:
        raise TracerError("--everyone: not supported with hosts; run bootseq detach --all --everyone there")
    if hosts:
        _detach_hosts(capture, hosts, as_json=as_json)
        return
    if capture is not None and recorded_hosts.own(capture) is not None:
        raise TracerError(f"{capture}: recorded on hosts; name them with --inventory or --host, as when recording")
    if everything and not yes and not as_json and sys.stdin.isatty() and sys.stdout.isatty():
        _ask([target for target in detaching.attached() if everyone or target.capture is not None])
    reports = _detach(capture, everyone, ignore if as_json else _print_report if capture is not None else _print_owner)
    if as_json:
        process_reports.as_json(reports)
    elif not reports:
        printing.out("nothing is attached" + (f" for {capture}" if capture is not None else ""))
    if everything and not everyone:
        _name_others(detaching.others())
    if any(report.state != "detached" for report in reports):
        sys.exit(1)


def _ask(targets: list[Attached]) -> None:
    """Name the processes and ask whether to detach from them; exit with 1 if not."""
    for target in targets:
        printing.out(f"{target.process.name} (pid {target.process.pid}): {_owner(target.about)}")
    if targets and not click.confirm(f"Detach from {plural(len(targets), 'process', 'processes')}?"):
        printing.out("nothing was detached")
        sys.exit(1)


def _owner(about: Mapping[str, object]) -> str:
    return f"user {about['user']}, capture {about['capture']}"


def _detach(capture: Path | None, everyone: bool, on_report: Callable[[ProcessReport], object]) -> list[ProcessReport]:
    if capture is not None:
        return detaching.detach(_own(capture), on_report)
    return detaching.detach_all(on_report) + (detaching.detach_others(on_report) if everyone else [])


def _detach_hosts(capture: Path | None, hosts: HostChoice, *, as_json: bool) -> None:
    """Detach on the hosts, and fetch what they recorded for the capture."""
    if capture is None:
        reports, complete = on_hosts(hosts, "detach", all=True)
    else:
        reports, complete = _detach_recorded(_own(capture), hosts)
    on_processes = [report for report in reports if report.pid]
    if as_json:
        process_reports.as_json(reports)
    for report in () if as_json else on_processes:
        (_print_report if capture is not None else _print_owner)(report)
    if not as_json and not on_processes:
        printing.out("nothing is attached there" + (f" for {capture}" if capture is not None else ""))
    if not complete or any(report.state != "detached" for report in on_processes):
        sys.exit(1)


def _detach_recorded(capture: Path, hosts: HostChoice) -> tuple[list[ProcessReport], bool]:
    from tracer.hosts.services import HostServices

    if recorded_hosts.own(capture) is None:
        raise TracerError(f"{capture}: not recorded on hosts; run: bootseq detach {capture}")
    with connected(hosts, needs_all=False) as cluster:
        services = HostServices(cluster, capture, captures.options(capture))
        services.begin()
        reports = services.detach()
        services.close()
        for link in (failed := cluster.failed()):
            printing.note(f"host {link.name}: {link.failure}")
        return reports, not failed


def _own(path: Path) -> Path:
    """Return the resolved path of a capture of the caller's own, which may be gone from the disk if registered."""
    if registry.of(path.resolve()).entries:
        return path.resolve()
    with captures.own(path) as folder:
        return folder.real()


def _name_others(others: list[Attached]) -> None:
    """Name on stderr the processes that were not detached."""
    for other in others:
        process = f"{other.process.name} (pid {other.process.pid}, user {other.about['user']})"
        printing.note(f"not detached: {process} records into {other.about['capture']}")
    if others:
        printing.note("these record for other users; detach them too with: bootseq detach --all --everyone")


def _print_report(report: ProcessReport) -> None:
    process_reports.print_report(report, _details(report))


def _print_owner(report: ProcessReport) -> None:
    process_reports.print_report(report, "; ".join(filter(None, (_owner(report.more), _details(report)))))


def _details(report: ProcessReport) -> str:
    if not report.more.get("proved"):
        return ""
    details = f"{plural(report.more['attributes'], 'attribute')} restored"
    modules = [change.partition(": ")[2] for change in report.more["changes"] if change.startswith("new module: ")]
    return details + (f"; {plural(len(modules), 'standard module')} stay loaded" if modules else "")
