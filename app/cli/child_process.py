"""A command in a process of its own: ``python -m app.cli.child_process``.

Reads its options from standard input, a list as JSON in one line, as they stand on the
command line, and writes `SweepEvent`, a line each. What is told as *done* is the object
that ``--json`` prints.
"""

import json
from pathlib import Path
from typing import TextIO

from app.cli.arguments import parse
from core.arithmetic import flush_denormals
from core.errors import InputError
from core.privacy import disable_telemetry
from core.sweep.worker_process import job_of, run_process


def main() -> None:
    """Run one command."""
    disable_telemetry()
    run_process(_answer)


def _answer(line: str, out: TextIO) -> str:
    """Run ``slide`` or ``bench`` and return its result as JSON."""
    from app.cli import commands, runtimes, slides

    asked, job = parse(json.loads(line)), job_of(out)
    with flush_denormals():
        if asked.slide is not None and asked.slide.as_json:
            commands.check_folder(Path(asked.slide.out))
            return "\n".join(slides.run_command(asked.slide, job))
        if asked.bench is not None and asked.bench.as_json:
            return "\n".join(runtimes.run_command(asked.bench, job))
    raise InputError("Only slide and bench with --json run in a process of their own.")


if __name__ == "__main__":
    main()
