"""The images, built and started for real."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from support.require import require

ROOT = Path(__file__).parents[3]
IMAGES = {
    f"recado-{name}" for name in ("ingress", "rag", "dispatcher", "indexer", "cli", "devstack")
}
STARTED = {"topics", "collection", "standins", "ingress", "rag", "dispatcher", "indexer"}


def _can_build() -> bool:
    for engine in ("docker", "podman"):
        if shutil.which(engine):
            asked = subprocess.run([engine, "info"], capture_output=True, check=False)
            if asked.returncode == 0:
                return True
    return os.geteuid() == 0 and all(map(shutil.which, ("buildah", "debootstrap")))


@pytest.mark.long
def test_every_image_is_built_and_every_container_answers() -> None:
    """`make images`: each service is alive and ready in its image, and ends in order."""
    require(
        _can_build(), "what builds images", "docker, podman, or apt-get install buildah debootstrap"
    )
    done = subprocess.run(
        ["tools/images.sh"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=1800,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    table, _, started = done.stdout.rpartition("started ")
    assert set(re.findall(r"^(recado-\w+) +[0-9.]+ +[0-9]+$", table, re.MULTILINE)) == IMAGES
    lines = dict(re.findall(r"^(\w+) {2,}(.+)$", started.split("\n", 1)[1], re.MULTILINE))
    assert set(lines) == STARTED
    for name, line in lines.items():
        assert line.endswith("  ok") or "a job, done" in line or "no Weaviate" in line, (name, line)
