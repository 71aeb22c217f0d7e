"""Fake hypervisors whose spawn writes its start to the journal: one sleeps then, the other fails as it is asked to."""

import os
import time

from nova import exception
from nova.image import glance
from nova.virt import fake

from inside import journal, stalls

DELAY = "EMBEDDED_SPAWN_DELAY"
#: The name of an instance's metadata that selects what its spawn does.
FAULT = "fault"
#: An image that the image service does not have.
GONE = "7c0e3d52-93a6-4d2b-8f41-5f2c6d1b0a97"
#: Seconds that a slow spawn takes.
SLOW = 8


def install(path):
    """Add the drivers to nova.virt.fake, since Nova loads drivers from nova.virt only."""

    class SlowSpawnDriver(fake.SmallFakeDriver):
        def spawn(self, context, instance, *args, **kwargs):
            journal.append(
                path, {"event": "spawn", "uuid": instance.uuid, "state": None, "request_id": context.request_id}
            )
            time.sleep(float(os.environ[DELAY]))
            return super().spawn(context, instance, *args, **kwargs)

    class FaultyDriver(fake.SmallFakeDriver):
        """A host of two nodes, so that a build that failed on one of them is tried on the other."""

        def init_host(self, host):
            super().init_host(host)
            self._set_nodes([host, f"{host}-second"])

        def spawn(self, context, instance, *args, **kwargs):
            journal.append(
                path, {"event": "spawn", "uuid": instance.uuid, "state": None, "request_id": context.request_id}
            )
            fail(context, instance)
            stalls.stall(instance.metadata.get(FAULT), self.virtapi, context, instance)
            return super().spawn(context, instance, *args, **kwargs)

    fake.SlowSpawnDriver = SlowSpawnDriver
    fake.FaultyDriver = FaultyDriver


def fail(context, instance):
    """Fail, or wait, as the instance's metadata asks."""
    fault = instance.metadata.get(FAULT)
    if fault == "slow":
        time.sleep(SLOW)
    elif fault == "once" and instance.uuid not in _failed:
        _failed.add(instance.uuid)
        raise exception.InternalError("the first node has no space left")
    elif fault == "always":
        raise exception.InternalError("no space left on any node")
    elif fault == "image":
        raise exception.FlavorDiskSmallerThanImage(flavor_size=1, image_size=2)
    elif fault == "gone":
        # As a hypervisor does that fetches an image which was deleted after the API had looked at it.
        glance.API().get(context, GONE)
    elif fault == "port":
        raise exception.PortBindingFailed(port_id="0f5c1d6e-1b0a-4f0e-9a37-9d1f5b3c2a10")


#: Instances that failed once.
_failed = set()
