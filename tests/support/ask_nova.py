"""Evaluate expressions on Nova's objects in Nova's own Python; report every function outside of ``patches`` that ran.

Reads [[text, code, names] …] from stdin; writes {text: [shown value, [function …]]}.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
sys.dont_write_bytecode = True

import sqlalchemy as sa  # noqa: E402
from nova import context, objects  # noqa: E402
from nova.db.main import models  # noqa: E402
from nova.network import model  # noqa: E402
from sqlalchemy import orm  # noqa: E402

from patches import ask_eval  # noqa: E402

objects.register_all()
UUID = "d9487b8a-4e68-4460-a969-9850706c1a2a"


def _database() -> tuple[orm.Session, Any, Any]:
    engine = sa.create_engine("sqlite://", poolclass=sa.pool.StaticPool)
    models.BASE.metadata.create_all(engine)
    session = orm.Session(engine)
    session.add(models.Instance(uuid=UUID, hostname="vm1"))
    session.commit()
    expired = session.query(models.Instance).one()
    session.expire(expired)
    fresh = orm.Session(engine).query(models.Instance).one()
    return session, expired, fresh


def _names() -> dict[str, Any]:
    asker = context.RequestContext("me", "ours", auth_token="geheim", is_admin=False, request_id="req-1")
    flavor = objects.Flavor(name="m1.tiny", vcpus=1, memory_mb=512)
    instance = objects.Instance(asker, uuid=UUID, vm_state="building", host=None, flavor=flavor, metadata={"a": "b"})
    bdm = objects.BlockDeviceMapping(asker, boot_index=0, connection_info='{"secret": "geheim"}')
    _, expired, fresh = _database()
    return {
        "context": asker, "flavor": flavor, "instance": instance, "bare": objects.Instance(uuid=UUID), "bdm": bdm,
        "instances": objects.InstanceList(objects=[instance]), "spec": objects.RequestSpec(flavor=flavor),
        "bdms": objects.BlockDeviceMappingList(objects=[bdm, bdm]), "expired": expired, "fresh": fresh,
        "network": model.NetworkInfo([model.VIF(id="port-1")]), "Instance": objects.Instance,
        "waiting": model.NetworkInfoAsyncWrapper.__new__(model.NetworkInfoAsyncWrapper),
        "query": orm.Query(models.Instance),
    }  # fmt: skip


def main() -> None:
    """Evaluate every expression under a profile function that records what runs."""
    names, answers = _names(), {}
    point = ask_eval.Point({"key": "1", "where": "m:f", "when": "entry", "expressions": []})
    # Masking replaces by templates, which up to Python 3.11 functions of ``re`` expand.
    ours = (str(ROOT / "patches"), str(Path(re.__file__).parent), "<ask>", "<frozen ")
    for text, code, inside in json.load(sys.stdin):
        ran: list[str] = []
        visible = ask_eval._Names(names)
        visible.module = {}
        expression = ask_eval.Expression(text, code, inside, unsafe=False)

        def profile(frame: Any, event: str, _: Any, ran: list[str] = ran) -> None:
            file = frame.f_code.co_filename
            if event == "call" and not file.startswith(ours):
                ran.append(f"{file}:{frame.f_code.co_name}")

        sys.setprofile(profile)
        shown = point._part(expression, visible)
        sys.setprofile(None)
        answers[text] = [shown.removeprefix(f"{text}="), ran]
    sys.stdout.write(json.dumps(answers))


if __name__ == "__main__":
    main()
