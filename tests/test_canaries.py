"""No planted secret leaks through any channel."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.canary_channels import CHANNELS, leaked
from tests.support.canary_texts import canaries


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("channel", CHANNELS)
def test_no_secret_leaks_through_a_channel(tmp_path: Path, channel: str) -> None:
    """Over 300 secrets are planted the way services hold them."""
    planted = list(canaries())
    assert leaked(CHANNELS[channel](tmp_path, planted), planted) == []
