"""Twelve commits on the source of Nova 34.0.0, and what a comparison of boots must report of each."""

from __future__ import annotations

from dataclasses import dataclass

_COMPUTE, _CONDUCTOR = "nova/compute/manager.py", "nova/conductor/manager.py"


@dataclass(frozen=True)
class Edit:
    """A text of a file that occurs ``count`` times, and its replacement; an empty text is the file's end."""

    path: str
    old: str
    new: str
    count: int = 1


@dataclass(frozen=True)
class Seeded:
    """A commit: its subject, its edits, and the classes of change of which a report must have one; none is silence."""

    subject: str
    edits: tuple[Edit, ...]
    classes: frozenset[str] = frozenset()


def _classes(*names: str) -> frozenset[str]:
    return frozenset(names)


COMMITS = (
    Seeded(
        "Read the instance mapping twice",
        (
            Edit(
                _CONDUCTOR,
                "        inst_mapping = objects.InstanceMapping.get_by_instance_uuid(\n"
                "            context, instance.uuid)\n"
                "        # Perform a final sanity check",
                "        objects.InstanceMapping.get_by_instance_uuid(\n"
                "            context, instance.uuid)\n"
                "        inst_mapping = objects.InstanceMapping.get_by_instance_uuid(\n"
                "            context, instance.uuid)\n"
                "        # Perform a final sanity check",
            ),
        ),
        _classes("repeated", "added"),
    ),
    Seeded(
        "Read all block devices for each block device",
        (
            Edit(
                _CONDUCTOR,
                "                bdm.update_or_create()\n        return instance_block_device_mapping\n",
                "                bdm.update_or_create()\n"
                "                objects.BlockDeviceMappingList.get_by_instance_uuid(\n"
                "                    bdm._context, instance_uuid)\n"
                "        return instance_block_device_mapping\n",
            ),
        ),
        _classes("added"),
    ),
    Seeded(
        "Wait for the compute service's reply to build_and_run_instance",
        (
            Edit(
                "nova/compute/rpcapi.py",
                "cctxt.cast(ctxt, 'build_and_run_instance', **kwargs)",
                "cctxt.call(ctxt, 'build_and_run_instance', **kwargs)",
            ),
        ),
        _classes("mode"),
    ),
    Seeded(
        "Send no notification of a creation's start",
        (
            Edit(
                _COMPUTE,
                "                extra_usage_info={'image_name': image_name})\n"
                "        compute_utils.notify_about_instance_create(\n"
                "            context, instance, self.host,\n"
                "            phase=fields.NotificationPhase.START,\n"
                "            bdms=block_device_mapping)\n",
                "                extra_usage_info={'image_name': image_name})\n",
            ),
        ),
        _classes("removed", "repeated"),
    ),
    Seeded(
        "Try an older microversion of Placement first",
        (
            Edit(
                "nova/scheduler/client/report.py",
                '        url = "/allocation_candidates?%s" % qparams\n'
                "        resp = self.get(url, version=version,\n"
                "                        global_request_id=context.global_id)\n",
                '        url = "/allocation_candidates?%s" % qparams\n'
                "        resp = self.get(url, version='1.9',\n"
                "                        global_request_id=context.global_id)\n"
                "        if resp.status_code != 200:\n"
                "            resp = self.get(url, version=version,\n"
                "                            global_request_id=context.global_id)\n",
            ),
        ),
        _classes("added", "repeated", "retried"),
    ),
    Seeded(
        "Set block_device_mapping before the default device names",
        (
            Edit(
                _COMPUTE,
                "            # Verify that all the BDMs have a device_name set and assign a\n"
                "            # default to the ones missing it with the help of the driver.\n"
                "            self._default_block_device_names(instance, image_meta,\n"
                "                                             block_device_mapping)\n\n"
                "            LOG.debug('Start building block device mappings for instance.',\n"
                "                      instance=instance)\n"
                "            instance.vm_state = vm_states.BUILDING\n"
                "            instance.task_state = task_states.BLOCK_DEVICE_MAPPING\n"
                "            instance.save()\n",
                "            LOG.debug('Start building block device mappings for instance.',\n"
                "                      instance=instance)\n"
                "            instance.vm_state = vm_states.BUILDING\n"
                "            instance.task_state = task_states.BLOCK_DEVICE_MAPPING\n"
                "            instance.save()\n\n"
                "            # Verify that all the BDMs have a device_name set and assign a\n"
                "            # default to the ones missing it with the help of the driver.\n"
                "            self._default_block_device_names(instance, image_meta,\n"
                "                                             block_device_mapping)\n",
            ),
        ),
        _classes("reordered"),
    ),
    Seeded(
        "Rename _delete_build_request to _remove_build_request",
        (Edit(_CONDUCTOR, "_delete_build_request(", "_remove_build_request(", count=2),),
        _classes("renamed"),
    ),
    Seeded(
        "Log the number of instances to build",
        (
            Edit(
                _CONDUCTOR,
                "        instance_uuids = [spec.instance_uuid for spec in request_specs]\n        try:\n",
                "        instance_uuids = [spec.instance_uuid for spec in request_specs]\n"
                "        LOG.info('Building %d instances', len(instance_uuids))\n        try:\n",
            ),
        ),
    ),
    Seeded(
        "Describe the networks of an instance",
        (
            Edit(
                _COMPUTE,
                "            network_arqs):\n\n        # If we're here from a reschedule",
                '            network_arqs):\n        """Return the networks, allocated in the background."""\n\n'
                "        # If we're here from a reschedule",
            ),
            Edit("doc/source/index.rst", "", "\n.. A boot's networks are allocated in the background.\n"),
        ),
    ),
    Seeded(
        "Tag instances by a helper",
        (
            Edit(
                "nova/compute/resource_tracker.py",
                "        instance.host = self.host\n"
                "        instance.launched_on = self.host\n"
                "        if node is not None:\n",
                "        self._tag(instance)\n        if node is not None:\n",
            ),
            Edit(
                "nova/compute/resource_tracker.py",
                "    def _set_instance_host_and_node(self, instance, node):\n",
                "    def _tag(self, instance):\n"
                "        instance.host = self.host\n        instance.launched_on = self.host\n\n"
                "    def _set_instance_host_and_node(self, instance, node):\n",
            ),
        ),
    ),
    Seeded(
        "Send select_destinations in version 4.4",
        (Edit("nova/scheduler/rpcapi.py", "version = '4.5'\n        msg_args", "version = '4.4'\n        msg_args"),),
        _classes("version"),
    ),
    Seeded(
        "Ask Placement for candidates of a group policy",
        (
            Edit(
                "nova/scheduler/utils.py",
                "        if self._group_policy is not None:\n"
                "            qparams.append(('group_policy', self._group_policy))\n",
                "        qparams.append(('group_policy', self._group_policy or 'none'))\n",
            ),
        ),
        _classes("arguments"),
    ),
)  # fmt: skip
