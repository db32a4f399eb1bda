"""Files that are dropped on the window: told by content, copied, never moved."""

import numpy as np
import pytest
import torch
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from safetensors.torch import save_file

from app.state.session.sources import sorted_out
from app.views.main_window.window import Window
from core.errors import InputError
from core.images import read_tile


def dropped(window, urls, action=Qt.DropAction.MoveAction):
    """Drop on a window as a file manager does that proposes to move."""
    data = QMimeData()
    data.setUrls(urls)
    event = QDropEvent(
        QPointF(5, 5),
        Qt.DropAction.MoveAction | Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    event.setDropAction(action)
    window.dropEvent(event)
    return event


@pytest.mark.parametrize("name", ["weights.ckpt", "model.bin", "model"])
@pytest.mark.parametrize("kind", ["torch", "old", "safetensors"])
def test_a_model_is_told_by_its_content(tmp_path, name, kind):
    path, held = tmp_path / name, {"weight": torch.zeros(3)}
    if kind == "safetensors":
        save_file(held, path)
    else:
        torch.save(held, path, _use_new_zipfile_serialization=kind == "torch")
    image = tmp_path / "tile.png"
    image.write_bytes(b"\x89PNG")
    assert sorted_out([str(image), str(path)]) == (str(path), str(image))


def test_other_files_are_tiles(tmp_path):
    np.savez(tmp_path / "a.npz", np.zeros(3))
    assert sorted_out([str(tmp_path / "a.npz")]) == ("", str(tmp_path / "a.npz"))


def test_a_web_address_gives_a_sentence():
    with pytest.raises(InputError, match="is a web address; download"):
        read_tile("https://example.org/slide.svs")


def test_a_drop_is_a_copy(qtbot, tmp_path):
    window = Window()
    qtbot.addWidget(window)
    opened = []
    window.openAsked.connect(lambda model, tile: opened.append((model, tile)))
    event = dropped(window, [QUrl.fromLocalFile(str(tmp_path / "a.png"))])
    assert event.dropAction() == Qt.DropAction.CopyAction
    assert event.isAccepted()
    dropped(window, [QUrl("https://example.org/a.svs")])
    assert opened == [
        ("", str(tmp_path / "a.png")),
        ("", "https://example.org/a.svs"),
    ]


def test_folders_are_told_by_what_they_hold(tmp_path):
    model, slide, patches = (tmp_path / name for name in ("smp", "dicom", "patches"))
    for folder in (model, slide, patches):
        folder.mkdir()
    (model / "config.json").write_text("{}")
    (model / "model.safetensors").write_bytes(b"")
    (slide / "level-0.dcm").write_bytes(b"")
    assert sorted_out([str(model)]) == (str(model), "")
    assert sorted_out([str(slide)]) == ("", str(slide))
    assert sorted_out([str(patches)]) == ("", str(patches))


def test_what_is_not_opened_is_said(qtbot, tmp_path):
    from app.state.session.sources import left_out

    names = ["a.png", "b.png", "c.png", "a_mask.png"]
    paths = [str(tmp_path / name) for name in names]
    assert left_out(paths[:1]) == ""
    assert left_out([paths[0], paths[3]]) == ""
    assert left_out(paths[:2]).startswith("Opened a.png; not b.png.")
    assert "not b.png and c.png" in left_out(paths)
    window = Window()
    qtbot.addWidget(window)
    asked = []
    window.asked.connect(asked.append)
    dropped(window, [QUrl.fromLocalFile(path) for path in paths[:2]])
    assert "b.png" in asked[0].message.text
