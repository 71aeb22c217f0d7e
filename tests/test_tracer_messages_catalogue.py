"""The catalogue of messages: what lines of services' logs say, in the words of releases from 2011 to today."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.messages import Report, catalogue
from tracer.messages.catalogue import compile_catalogue
from tracer.messages.exceptions import chain, listed, plain

UUID = "7a7a7a7a-0000-4000-8000-000000000001"
NO_HOST = "No valid host was found. There are not enough hosts available."
REBUILT = f"RescheduledException: Build of instance {UUID} was re-scheduled: Unexpected vif_type=binding_failed"


def read(message: str, logger: str) -> Report:
    """Return what a message that the catalogue has says."""
    report = catalogue().read(message, logger)
    assert report is not None, message
    return report


@pytest.mark.parametrize(
    ("message", "logger", "says", "phase", "host"),
    [
        ("Claim successful", "compute.claims", "ends", "claim", ""),
        ("Claim successful on node kite", "compute.claims", "ends", "claim", "kite"),
        ("Starting instance…", "compute.manager", "begins", "build", ""),
        ("Creating image(s)", "virt.libvirt.driver", "begins", "image", ""),
        ("Instance spawned successfully.", "virt.libvirt.driver", "ends", "spawn", ""),
        ("Took 6.20 seconds to build instance.", "compute.manager", "active", "build", ""),
        ("Instance build timed out. Set to error state.", "compute.manager", "error", "build", ""),
        ("Setting instance to ERROR state.", "scheduler.utils", "error", "", ""),
        ("Setting instance to ERROR state.", "scheduler.driver", "error", "", ""),
        ("Instance disappeared during build.", "compute.manager", "deleted", "build", ""),
        ("Terminating instance", "compute.manager", "begins", "delete", ""),
        (
            "Selected host: c1; Selected node: c1.site; Alternates: []",
            "conductor.manager",
            "chosen",
            "scheduling",
            "c1",
        ),
    ],
)
def test_a_message_says_what_happened(message: str, logger: str, says: str, phase: str, host: str) -> None:
    report = read(f"[instance: {UUID}] {message}", f"nova.{logger}")
    assert (report.says, report.phase, report.host, report.instance) == (says, phase, host, UUID)


@pytest.mark.parametrize(
    "chosen",
    [
        "WeighedHost [host: kite, weight: 1.0]",
        "WeighedHost [host: (kite, kite.site) ram:1 disk:2, weight: 1.0]",
        "kite",
    ],
)
def test_the_scheduler_of_2013_names_the_host_that_it_chose(chosen: str) -> None:
    report = read(f"Choosing host {chosen} for instance {UUID}", "nova.scheduler.filter_scheduler")
    assert (report.says, report.host, report.instance) == ("chosen", "kite", UUID)


@pytest.mark.parametrize(
    "message",
    [
        f"Failed to schedule instances: nova.exception_Remote.NoValidHost_Remote: {NO_HOST}",
        f"Failed to compute_task_build_instances: {NO_HOST}",
        f"Setting instance to ERROR state.: nova.exception_Remote.NoValidHost_Remote: {NO_HOST}",
        f"Failed to schedule instances\nTraceback (most recent call last):\n  File 'x'\nNoValidHost: {NO_HOST}",
        f"NoValidHost exception with message: '{NO_HOST}'",
    ],
)
def test_a_failure_names_its_exception_in_every_form_of_the_line(message: str) -> None:
    report = catalogue().read(message)
    assert report is not None
    assert (report.says, report.error) == ("error", f"NoValidHost: {NO_HOST}")


def test_a_chain_of_exceptions_has_a_cause_and_an_error() -> None:
    report = read(
        "Instance failed to spawn: nova.exception.VirtualInterfaceCreateException: Virtual Interface creation failed\n"
        'Traceback (most recent call last):\n  File "x", line 1, in y\n    yield\n'
        "libvirt.libvirtError: internal error\n\n"
        "During handling of the above exception, another exception occurred:\n\n"
        'Traceback (most recent call last):\n  File "z", line 2, in w\n    a\n'
        "nova.exception.VirtualInterfaceCreateException: Virtual Interface creation failed\n",
        "nova.compute.manager",
    )
    assert report.cause == "libvirtError: internal error"
    assert report.error == "VirtualInterfaceCreateException: Virtual Interface creation failed"


def test_the_last_hosts_error_is_a_printed_list() -> None:
    lines = "[u'Traceback (most recent call last):\\n', u'  File \"x\", line 1, in f\\n', u'" + REBUILT + "\\n']"
    report = read(f"[instance: {UUID}] Error from last host: c1 (node c1.site): {lines}", "nova.scheduler.utils")
    assert (report.says, report.host, report.error) == ("rescheduled", "c1", REBUILT)


def test_an_exceptions_own_text_is_not_repeated() -> None:
    text = f"Build of instance {UUID} aborted: Failed to allocate the network(s), not rescheduling."
    report = read(f"{text}: nova.exception.BuildAbortException: {text}", "nova.compute.manager")
    assert (report.says, report.error, report.instance) == ("error", f"BuildAbortException: {text}", UUID)


def test_the_api_answers_in_an_exceptions_words() -> None:
    text = "Quota exceeded for cores: Requested 1, but already used 20 of 20 cores"
    report = read(f"HTTP exception thrown: {text}", "nova.api.openstack.wsgi")
    assert (report.says, report.error) == ("answered", f"TooManyInstances: {text}")


def test_messages_of_other_loggers_and_other_words_say_nothing() -> None:
    assert catalogue().read("Claim successful", "nova.network.manager") is None
    assert catalogue().read("Claim successfully forgotten", "nova.compute.claims") is None
    assert catalogue().read("", "") is None


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    report = catalogue().read(text)
    assert report is None or report.text in text
    assert all(isinstance(error, str) for error in (*chain(text), *listed(text), plain(text)))


def test_an_entry_outside_the_vocabulary_is_refused() -> None:
    data = b"releases: {essex: '2012.1'}\nexceptions: []\nmessages: [{text: a, says: %s, releases: essex..}]"
    assert compile_catalogue(data % b"active").templates[0].text == "a"
    with pytest.raises(ValueError, match="says sings"):
        compile_catalogue(data % b"sings")


def test_every_template_matches_its_own_text_and_is_written_once() -> None:
    samples = {"instance": UUID, "seconds": "1.5", "attempt": "1", "attempts": "3"}
    for template in (*catalogue().templates, *catalogue().exceptions):
        message = template.text
        for name in (
            "instance",
            "seconds",
            "attempt",
            "attempts",
            "host",
            "node",
            "filter",
            "volume",
            "port",
            "reason",
            "",
        ):
            message = message.replace(f"{{{name}}}", samples.get(name, "word"))
        assert template.pattern.match(message), template.text
    entries = [(template.text, template.by, template.first) for template in catalogue().templates]
    assert len(entries) == len(set(entries))


def test_a_summary_is_cut_off_also_behind_other_words() -> None:
    text = "Exceeded maximum number of retries. Exhausted all hosts."
    report = read(
        f"Failed to compute_task_build_instances: {text}: nova.exception.MaxRetriesExceeded: {text}",
        "nova.scheduler.utils",
    )
    assert report.error == f"MaxRetriesExceeded: {text}"


def test_a_reason_is_named_by_the_summary_that_repeats_it() -> None:
    text = "operation failed: guest CPU doesn't match specification"
    report = read(f"Live Migration failure: {text}: libvirt.libvirtError: {text}", "nova.virt.libvirt.driver")
    assert report.error == f"libvirtError: {text}"
