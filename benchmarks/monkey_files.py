"""Files that `benchmarks.monkey` opens, and boxes that answer by themselves."""

import random
from pathlib import Path
from typing import Any


def write_files(folder: Path) -> list[str]:
    """Write tiles, labels, a model, nonsense; returns what may be dropped."""
    from PIL import Image

    from core.images.synthetic import synthetic_tile

    found = []
    for number in (1, 2):
        tile, labels, _ = synthetic_tile(96 + 32 * number, number)
        path = folder / f"tile-{number}.png"
        Image.fromarray(tile.pixels).save(path)
        Image.fromarray(labels.astype("uint16")).save(folder / f"label-{number}.png")
        found += [str(path), str(folder / f"label-{number}.png")]
    (folder / "broken.png").write_bytes(b"\x89PNG broken")
    (folder / "notes.txt").write_text("nothing of interest")
    (folder / "broken.prunescope").write_text("{}")
    (folder / "empty").mkdir()
    names = ("broken.png", "notes.txt", "broken.prunescope", "empty", "gone.png")
    return [*found, *(str(folder / n) for n in names), "https://example.org/a.png"]


def answer_boxes(folder: Path, chance: random.Random) -> None:
    """Let boxes for files answer by themselves: with a file, a new name, or nothing."""
    from PySide6.QtWidgets import QFileDialog, QMessageBox

    def some(*_: Any, **__: Any) -> tuple[str, str]:
        files = sorted(p for p in folder.iterdir() if p.is_file())
        return (str(chance.choice(files)), "") if chance.random() < 0.8 else ("", "")

    def name(*asked: Any, **__: Any) -> tuple[str, str]:
        wanted = Path(str(asked[2]) if len(asked) > 2 else "out").name
        out = folder / "out"
        out.mkdir(exist_ok=True)
        return (str(out / wanted), "") if chance.random() < 0.8 else ("", "")

    def place(*_: Any, **__: Any) -> str:
        made = folder / "out" / f"folder-{chance.randrange(3)}"
        made.mkdir(parents=True, exist_ok=True)
        return str(made) if chance.random() < 0.8 else ""

    for method, answer in (
        ("getOpenFileName", some),
        ("getSaveFileName", name),
        ("getExistingDirectory", place),
    ):
        setattr(QFileDialog, method, staticmethod(answer))
    QMessageBox.exec = lambda *_: 0  # type: ignore[method-assign]
