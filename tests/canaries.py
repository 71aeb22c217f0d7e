# ruff: noqa: T201 - it prints a table
"""``python -m tests.canaries``: how many secrets leak, by channel and output, and which innocent texts change."""

from __future__ import annotations

import sys
import tempfile
import warnings
from pathlib import Path

from patches import masking
from tests.support.canary_channels import CHANNELS, leaked, outputs
from tests.support.canary_texts import canaries
from tests.support.innocent_texts import ACCEPTED, innocents


def main() -> int:
    """Print the table; 1 where something leaked or was masked by mistake."""
    planted = list(canaries())
    wrong = 0
    print(f"{'channel':24} {'planted':>8} {'leaked':>8}")
    with tempfile.TemporaryDirectory() as name, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for channel, drive in CHANNELS.items():
            folder = Path(name, channel.replace(" ", "_").replace(":", ""))
            folder.mkdir()
            gone = leaked(drive(folder, planted), planted)
            wrong += len(gone)
            print(f"{channel:24} {len(planted):8} {len(gone):8}  {', '.join(each.name for each in gone)}", flush=True)
        folder = Path(name, "outputs")
        folder.mkdir()
        for output, found in outputs(folder, planted):
            gone = leaked(found, planted)
            wrong += len(gone)
            print(f"{output:24} {len(planted):8} {len(gone):8}  {', '.join(each.name for each in gone)}", flush=True)
    changed = [text for text in innocents() if masking.mask(text) != text]
    print(f"{'innocent texts':24} {len(innocents()):8} {len(changed):8}  masked by mistake {changed or ''}")
    for text, why in ACCEPTED.items():
        print(f"  accepted: {text!r} -> {masking.mask(text)!r}: {why}")
    return 1 if wrong or changed else 0


if __name__ == "__main__":
    sys.exit(main())
