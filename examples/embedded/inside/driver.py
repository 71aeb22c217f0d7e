"""A slow fake hypervisor: spawn writes its start to the journal, then sleeps."""

import os
import time

from nova.virt import fake

from inside import journal

DELAY = "EMBEDDED_SPAWN_DELAY"


def install(path):
    """Add the driver as fake.SlowSpawnDriver, since Nova loads drivers from nova.virt only."""

    class SlowSpawnDriver(fake.SmallFakeDriver):
        def spawn(self, context, instance, *args, **kwargs):
            journal.append(
                path, {"event": "spawn", "uuid": instance.uuid, "state": None, "request_id": context.request_id}
            )
            time.sleep(float(os.environ[DELAY]))
            return super().spawn(context, instance, *args, **kwargs)

    fake.SlowSpawnDriver = SlowSpawnDriver
