"""A git checkout of a small package, whose commits change it step by step."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

_ENVIRONMENT = {
    "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.org", "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.org", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1",
}  # fmt: skip


class SourceCheckout:
    """A repository in ``path``; texts are committed with a subject and tagged on demand."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()
        self.git("init", "-q", "-b", "main")

    def git(self, *arguments: str) -> str:
        """Run git in the checkout; return its output."""
        return subprocess.run(
            ["git", "-C", str(self.path), *arguments],
            env=os.environ | _ENVIRONMENT, check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip

    def commit(self, subject: str, texts: dict[str, str], tag: str = "", change_id: str = "") -> str:
        """Write files and commit them; return the commit's short id."""
        for name, text in texts.items():
            (self.path / name).parent.mkdir(parents=True, exist_ok=True)
            (self.path / name).write_text(text)
        self.git("add", "-A")
        body = f"\n\nChange-Id: {change_id}" if change_id else ""
        self.git("commit", "-q", "--allow-empty", "-m", subject + body)
        if tag:
            self.git("tag", tag)
        return self.git("rev-parse", "--short", "HEAD").strip()
