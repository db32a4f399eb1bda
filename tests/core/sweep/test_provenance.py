"""What a record says of where it was made."""

import os
import subprocess

from core.sweep.provenance import git_revision


def test_r14_asking_for_the_revision_takes_no_lock(tmp_path):
    def git(*words):
        names = ("-c", "user.name=a", "-c", "user.email=a@b")
        subprocess.run(["git", *names, *words], cwd=tmp_path, check=True)

    (tmp_path / "a").write_text("one")
    git("init", "-q")
    git("add", "a")
    git("commit", "-q", "-m", "one")
    index = tmp_path / ".git" / "index"
    os.utime(tmp_path / "a", (1, 1))  # what git remembers of the file is old now
    before = index.read_bytes()
    found = git_revision(tmp_path)
    assert len(found) == 12
    assert index.read_bytes() == before
