"""Ask expressions on real Nova objects: their values, without running a function of Nova or its libraries."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from examples.embedded.release import environment, find_release
from tracer.recording import ask_expressions

SCRIPT = Path(__file__).with_name("support") / "ask_nova.py"
OBJECTS = (
    "context", "instance", "bare", "bdm", "instances", "spec", "bdms", "expired", "fresh", "network", "waiting",
    "query",
)  # fmt: skip
#: Expressions that load, wait, query or build something when Python itself evaluates them.
FORMS = (
    "{0}", "str({0})", "f'{{{0}}} {{{0}!r}}'", "{0} == {0}", "{0} != 1", "{0} < 1", "not {0}", "{0} and 1", "{0} + {0}",
    "{0} | {0}", "-{0}", "1 if {0} else 2", "{0} in [{0}]", "'flavor' in {0}", "1 in {0}", "len({0})", "list({0})",
    "dict({0})", "set({0})", "tuple({0})", "sorted({0})", "max({0})", "sum({0})", "bool({0})", "{0}[0]", "{0}[:1]",
    "{0}['flavor']", "{{{0}}}", "{{{0}: 1}}", "isinstance({0}, Instance)", "type({0})", "hasattr({0}, 'tags')",
    "{0}.tags", "{0}.flavor", "{0}.system_metadata", "{0}.image_meta", "{0}.name", "{0}.keypairs", "{0}.objects",
    "{0}.vcpus", "{0}.hostname", "{0}.extra", "{0}.to_dict", "{0}.fields", "{0}.is_volume", "{0}.session",
    "{0}.user_id", "{0}.tenant", "{0}.nothing", "{0}.created_at", "{0}._context.user_id", "{0}.obj_context",
    "{0}.block_device_mapping",
)  # fmt: skip
SHOWN = {
    "instance.uuid": "'d9487b8a-4e68-4460-a969-9850706c1a2a'",
    "instance.flavor.name, len(instances), len(bdms)": "'m1.tiny' 1 2",
    "instance.metadata['a'], instance.host": "'b' None",
    "bare.flavor.vcpus": "<not loaded>",
    "bare": "Instance(uuid='d9487b8a-4e68-4460-a969-9850706c1a2a')",
    "bare.name": "<property: use --unsafe>",
    "instances[0].vm_state, instances.objects[0].vm_state": "'building' 'building'",
    "spec.flavor": "Flavor(name='m1.tiny', memory_mb=512, vcpus=1)",
    "spec.vcpus": "<property: use --unsafe>",
    "spec.num_instances": "<not loaded>",
    "bdms[0].boot_index": "0",
    "bdm.connection_info": "***",
    "context.user_id, context.request_id": "'me' 'req-1'",
    "context.auth_token": "***",
    "expired.hostname": "<not loaded>",
    "fresh.hostname": "'vm1'",
    "fresh.extra": "<not loaded>",
    "network[0]['id'], len(network)": "'port-1' 1",
    "waiting": "<NetworkInfoAsyncWrapper>",
    "len(waiting)": "<NetworkInfoAsyncWrapper: use --unsafe>",
    "instance['uuid']": "<Instance: use --unsafe>",
    "isinstance(instance, Instance)": "True",
    "query": "<Query>",
}


@pytest.mark.slow
def test_expressions_run_no_code_of_nova() -> None:
    texts = [form.format(name) for form in FORMS for name in OBJECTS] + list(SHOWN)
    parsed = [expression for text in texts for expression in ask_expressions.parse([text])]
    request = json.dumps([[expression.text, expression.code, expression.names] for expression in parsed])
    command = [str(environment(find_release("34"))), "-W", "ignore", str(SCRIPT)]
    done = subprocess.run(command, input=request, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout)
    assert {text: ran for text, (_, ran) in answers.items() if ran} == {}
    shown = {
        text: " ".join(answers[expression.text][0] for expression in ask_expressions.parse([text])) for text in SHOWN
    }
    assert shown == SHOWN
    assert "geheim" not in done.stdout
