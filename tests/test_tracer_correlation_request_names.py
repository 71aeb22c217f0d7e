"""Names of requests that are not boots: the command of a client, the topic of a message."""

from __future__ import annotations

import pytest

from diagrams.words.steps import title
from tests.support.events import Cloud, Services


def test_a_client_s_request_is_named_by_its_command() -> None:
    """Not by the shell around it, of which every command has the same steps; a shell that fails has no other name."""
    cloud = Cloud()
    services = Services(cloud)
    shell, run = "osc_lib.shell:OpenStackShell.run", "osc_lib.command.command:Command.run"
    for command in ("openstackclient.compute.v2.server:DeleteServer.take_action", ""):
        with services.client.step("call", shell):
            if command:
                with services.client.step("call", run), services.client.step("call", command):
                    services.client.does("http", "DELETE /v2.1/servers/1", side="client", method="DELETE")
            else:
                services.client.does("http", "GET /v3", side="client", method="GET", error="ConnectionError")
    assert [(other.chapters[0].name, other.operation) for other in cloud.trace().others] == [
        (shell, "openstackclient.compute.v2.server:DeleteServer.take_action"), (shell, shell),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("mode", "topic", "operation"),
    [
        ("notify", "notifications.error", "rpc.notify() to notifications.error"),
        ("call", "conductor", "rpc.call() to conductor"), ("cast", "", "rpc.cast()"),
    ],
)  # fmt: skip
def test_a_message_without_a_method_is_named_by_its_topic(mode: str, topic: str, operation: str) -> None:
    cloud = Cloud()
    cloud.process("/usr/bin/nova-compute").does("rpc", "", side="client", mode=mode, topic=topic, request_id="req-1")
    (request,) = cloud.trace().others
    assert request.operation == operation
    assert title(request.chapters[0]) == operation
