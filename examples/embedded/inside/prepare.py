"""Makes the databases of a release, empty but for two cells and two flavors: prepare.py --config-file FILE."""

import sys

# The command line's module first: it does the eventlet patching, where the release has one.
from nova.cmd import manage  # isort: split

from nova import config, context, objects

FLAVORS = [("1", "m1.tiny", 1, 512, 1), ("2", "huge", 1024, 1048576, 1024)]


def main():
    config.parse_args(["nova-manage", *sys.argv[1:]])
    objects.register_all()
    done(manage.ApiDbCommands().sync())
    cells = manage.CellV2Commands()
    done(cells.map_cell0(database_connection=manage.CONF.database.connection.replace("nova.sqlite", "cell0.sqlite")))
    done(manage.DbCommands().sync())
    done(cells.create_cell(name="cell1"))
    for flavor in FLAVORS:
        create_flavor(*flavor)


def done(code):
    if code:
        sys.exit(f"nova-manage returned {code}")


def create_flavor(flavorid, name, vcpus, memory_mb, root_gb):
    objects.Flavor(
        context.get_admin_context(),
        flavorid=flavorid,
        name=name,
        vcpus=vcpus,
        memory_mb=memory_mb,
        root_gb=root_gb,
        ephemeral_gb=0,
        swap=0,
        rxtx_factor=1.0,
        is_public=True,
        disabled=False,
    ).create()


main()
