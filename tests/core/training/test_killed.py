"""A real kill in the middle of a training, and what comes of going on."""

import os
import subprocess
import sys
from pathlib import Path

import torch

from core.job import Job
from core.models import build
from core.training import Callbacks, TrainingSettings, synthetic_examples, train
from core.types import ModelSpec

ROOT = Path(__file__).parents[3]
SPEC = ModelSpec("tiny", "nuclei", "unet", stride=4, window=(128, 96))
CONFIG = {"base": 4, "depth": 3, "types": 0}
STEPS = 12


def run(checkpoint=None, job=None):
    """Train; the same each time, whatever file is written to."""
    torch.set_num_threads(1)
    data = synthetic_examples(range(3), 64)
    settings = TrainingSettings(
        steps=STEPS,
        batch=2,
        crop=32,
        warmup=2,
        check_every=2,
        save_every=2,
        checkpoint=checkpoint,
    )
    teacher = build("unet", CONFIG, seed=5)
    aids = Callbacks(validation=data[2:], teacher=teacher)
    return train(build("unet", CONFIG), SPEC, data[:2], settings, job, aids)


def test_a_killed_run_goes_on_to_the_same_weights(tmp_path):
    place = tmp_path / "state.pt"

    with subprocess.Popen(
        [sys.executable, __file__, str(place)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        reached = int(process.stdout.readline())
        process.kill()  # SIGKILL: nothing is tidied up
    assert process.returncode != 0
    assert reached < STEPS

    before = torch.get_num_threads()
    try:
        steps = []
        resumed = run(place, Job(lambda step: steps.append(step.done)))
        straight = run()
    finally:
        torch.set_num_threads(before)
    assert steps[0] == 7, "it goes on after the last step that was saved, the sixth"
    assert resumed.steps == straight.steps == STEPS
    assert resumed.best == straight.best
    first, second = resumed.module.state_dict(), straight.module.state_dict()
    assert all(torch.equal(first[name], second[name]) for name in second)


if __name__ == "__main__":
    place = Path(sys.argv[1])

    def hold(step):
        """Wait to be killed once something was saved and more was done since."""
        if step.done == 7:
            sys.stdout.write(f"{step.done}\n")
            sys.stdout.flush()
            sys.stdin.read()

    run(place, Job(hold))
