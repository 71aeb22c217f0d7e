"""No secret comes out of any channel."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.canary_channels import CHANNELS, leaked
from tests.support.canary_texts import canaries


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("channel", CHANNELS)
def test_no_secret_comes_out_of(tmp_path: Path, channel: str) -> None:
    """Each of over 300, planted as a service would hold it."""
    planted = list(canaries())
    assert leaked(CHANNELS[channel](tmp_path, planted), planted) == []
