"""The guest that really runs: Debian's kernel and busybox in a bootable image, built once and stored in the cache."""

import hashlib
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from examples.cloud.content import GUEST_IMAGE, ensure_image
from examples.cloud.cpio import Member, archive
from examples.cloud.errors import CloudError
from examples.cloud.packages import find_command
from examples.cloud.parts import Part
from examples.cloud.rest import Client
from examples.embedded.building import cache, locked

# This one depends on the newest kernel; it is downloaded and unpacked, since installing it would change the machine's.
KERNEL = "linux-image-cloud-amd64"
INIT = Path(__file__).resolve().parent / "inside" / "guest-init"
# In the order of their dependencies.
MODULES = (
    "failover",
    "net_failover",
    "virtio_ring",
    "virtio",
    "virtio_pci_legacy_dev",
    "virtio_pci_modern_dev",
    "virtio_pci",
    "virtio_blk",
    "virtio_net",
)
# On a busy machine an emulated processor misses the ticks with which the kernel tests its timer, and the kernel panics.
BOOT = """\
SERIAL 0 115200
DEFAULT linux
PROMPT 0
TIMEOUT 0
LABEL linux
 KERNEL vmlinuz
 INITRD initrd
 APPEND console=ttyS0,115200 quiet panic=1 tsc=reliable no_timer_check mitigations=off
"""
SIZE = 32 << 20


class Guest(Part):
    """The guest's image, for which the larger flavor suffices."""

    packages: Mapping[str, str] = {
        "busybox-static": "/bin/busybox",
        "dosfstools": "mkfs.fat",
        "mtools": "mcopy",
        "syslinux": "syslinux",
    }

    def wait(self, client: Client) -> None:
        ensure_image(client, GUEST_IMAGE, guest_image)


def guest_image() -> Path:
    """Return the image as qcow2, built now unless the cache has it."""
    digest = hashlib.sha256(INIT.read_bytes() + Path(__file__).read_bytes()).hexdigest()[:12]
    image = cache() / f"cloud-guest-{digest}.qcow2"
    with locked(cache() / "cloud-guest.lock"):
        if not image.exists():
            print(f"building the guest's image {image} …", file=sys.stderr)
            with tempfile.TemporaryDirectory(prefix="cloud-guest-") as folder:
                _build(Path(folder)).rename(image)
    return image


def _build(folder: Path) -> Path:
    kernel, modules = _kernel(folder)
    (folder / "initrd").write_bytes(archive(members(modules, Path("/bin/busybox").read_bytes())))
    (folder / "vmlinuz").write_bytes(kernel.read_bytes())
    (folder / "syslinux.cfg").write_text(BOOT)
    disk = folder / "disk"
    with disk.open("wb") as file:
        file.truncate(SIZE)
    _run(folder, "mkfs.fat", "-F", "16", "-n", "GUEST", str(disk))
    _run(folder, "mcopy", "-i", str(disk), "syslinux.cfg", "initrd", "vmlinuz", "::/")
    _run(folder, "syslinux", "--install", str(disk))
    _run(folder, "qemu-img", "convert", "-f", "raw", "-O", "qcow2", "-c", str(disk), "image.qcow2")
    # Into the cache's file system, so that the renaming is one step.
    partial = cache() / "cloud-guest.partial"
    partial.write_bytes((folder / "image.qcow2").read_bytes())
    return partial


def _kernel(folder: Path) -> tuple[Path, dict[str, Path]]:
    """Download the kernel's package and unpack it; return the kernel and its modules by name."""
    depends = _run(folder, "apt-cache", "depends", "--important", KERNEL).split()
    package = next((word for word in depends if word.startswith("linux-image-") and word != KERNEL), None)
    if package is None:
        raise CloudError(f"{KERNEL} depends on no kernel; its package comes from Debian's repository")
    _run(folder, "apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", package)
    (file,) = folder.glob("*.deb")
    _run(folder, "dpkg-deb", "--extract", str(file), "root")
    (kernel,) = folder.glob("root/boot/vmlinuz-*")
    return kernel, {path.stem: path for path in folder.glob("root/lib/modules/**/*.ko")}


def members(modules: Mapping[str, Path], busybox: bytes) -> list[Member]:
    """Return the first file system's content."""
    folders = [Member(name) for name in ("bin", "proc", "sys", "run", "modules")]
    programs = [
        Member("bin/busybox", busybox, 0o755),
        Member("init", INIT.read_bytes(), 0o755),
    ]
    # One of them is built into some kernels.
    drivers = [name for name in MODULES if name in modules]
    numbered = [
        Member(f"modules/{number:02}-{name}.ko", modules[name].read_bytes()) for number, name in enumerate(drivers)
    ]
    return [*folders, *programs, *numbered]


def _run(folder: Path, name: str, *arguments: str) -> str:
    command: Sequence[str] = [find_command(name), *arguments]
    done = subprocess.run(command, check=False, cwd=folder, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise CloudError(f"{name} failed while building the guest's image: {' '.join(done.stderr.split())[-300:]}")
    return done.stdout
