"""What the README and the guide name exists: options, keys, controls, files.

Controls stand in italics and begin with a capital, keys stand in bold.
"""

import re
import shlex
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import (
    QAbstractButton,
    QComboBox,
    QDockWidget,
    QLabel,
    QToolBar,
    QWidget,
)

from app.cli import arguments
from app.cli.arguments import parse
from app.plots.registry import CHARTS
from app.state.advice import CAPTIONS
from app.views.main_window.window import Window
from app.views.panels.sweep import SweepWindow
from app.views.panels.tile_folder import TileFolderWindow
from app.views.widgets.model_box import ModelBox
from app.views.widgets.shortcut_sheet import MOUSE
from core.pruning import HEURISTICS

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/*.md")])
# handled where the focus is, not by a shortcut of the window
HELD = {"B", "Space", "Enter", "Up", "Down", "Shift"}
# pages about the window; elsewhere italics are only emphasis
GUIDE = [
    ROOT / "README.md",
    *(
        ROOT / "docs" / f"{name}.md"
        for name in ("first-steps", "heuristics", "plots", "audience", "leaving")
    ),
]
pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def blocks(page):
    """Return the lines of code blocks, and the words outside of them."""
    parts = re.split(r"^```.*$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    inside = [line for part in parts[1::2] for line in part.splitlines()]
    return inside, "\n".join(parts[::2])


def commands(page, *, spans=True):
    """Return what is asked of prunescope, in code blocks and between backticks."""
    inside, outside = blocks(page)
    found = re.findall(r"`([^`]+)`", outside) if spans else []
    for line in [*inside, *(span.replace("\n", " ") for span in found)]:
        found = re.match(r"\s*(?:prunescope|.*python -m app)\b(.*)", line)
        if found:
            yield found[1].partition("#")[0].strip()


def options(parser):
    """Return the options of a parser and, by name, of its commands."""
    found, below = set(parser._option_string_actions), {}
    for action in parser._actions:
        if isinstance(action.choices, dict):
            below = {name: options(each)[0] for name, each in action.choices.items()}
    return found, below


@pages
def test_options_exist(page):
    window, below = options(arguments._parser())
    for line in commands(page):
        command = line.partition(" ")[0]
        known = below.get(command, window)
        for option in re.findall(r"(?<!\S)--[a-z][a-z-]*", line):
            assert option in known, f"{page.name}: prunescope {line}"


@pages
def test_whole_command_lines_are_taken(page):
    for line in commands(page, spans=False):
        # "..." stands for the rest, capitals and a file of settings for the reader's
        if (
            line
            and "..." not in line
            and not re.search(r"\b(DIR|NAME|M)\b|--set", line)
        ):
            asked = parse(shlex.split(line))
            assert asked.command or asked.model or asked.screenshot or asked.given


@pages
def test_links_and_pictures_are_there(page):
    _, outside = blocks(page)
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", outside):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name}: {target}"


@pages
def test_files_and_modules_that_are_named_exist(page):
    inside, outside = blocks(page)
    words = " ".join(re.findall(r"`([^`]+)`", outside))
    for path in re.findall(r"\b(?:core|app|benchmarks|docs)/[\w/.-]+", words):
        assert (ROOT / path).exists(), f"{page.name}: {path}"
    for name in re.findall(r"python -m ([\w.]+)", " ".join([words, *inside])):
        if name.partition(".")[0] in {"core", "app", "benchmarks"}:
            place = ROOT / name.replace(".", "/")
            assert place.is_dir() or place.with_suffix(".py").is_file(), name


@pages
def test_targets_of_make_exist(page):
    inside, outside = blocks(page)
    spans = re.findall(r"`([^`]+)`", outside)
    rules = (ROOT / "Makefile").read_text(encoding="utf-8")
    for line in [*inside, *spans]:
        found = re.match(r"make ([a-z]+)", line)
        if found:
            assert re.search(rf"^{found[1]}:", rules, re.MULTILINE), line


@pytest.fixture(scope="module")
def named(qapp):
    """Keys and captions of a window and of its sweep window."""
    window = Window()
    sweep = SweepWindow(window)
    ModelBox((), parent=window)  # belongs to the window from now on
    folder = TileFolderWindow(window)
    keys, captions = set(HELD), {*HEURISTICS, *map(plain, CAPTIONS)}
    for action in window.findChildren(QAction):
        keys |= {
            k.toString(QKeySequence.SequenceFormat.PortableText)
            for k in action.shortcuts()
        }
        captions.add(action.text())
    for button in window.findChildren(QAbstractButton):
        keys.add(button.shortcut().toString(QKeySequence.SequenceFormat.PortableText))
        captions.add(button.text())
    keys |= {word for key, _ in MOUSE for word in re.findall(r"\w+", key)}
    for kind in (QLabel, QToolBar, QDockWidget, QWidget):
        for each in window.findChildren(kind):
            captions |= {each.windowTitle(), each.accessibleName()}
            captions.add(each.text() if isinstance(each, QLabel) else "")
    for box in window.findChildren(QComboBox):
        captions |= {box.itemText(row) for row in range(box.count())}
    for each in (sweep, folder):
        each.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    window.deleteLater()
    return keys, {plain(caption) for caption in captions}


def plain(words):
    """Return a caption as a sentence names it."""
    return re.sub(r"[^\w ]+", " ", words).strip().lower()


@pages
def test_keys_exist(page, named):
    _, outside = blocks(page)
    one = r"(?:Ctrl\+|Shift\+)*(?:[A-Z0-9?]|F\d+|Space|Esc|Enter|Left|Right|Up|Down)"
    for key in re.findall(rf"\*\*({one})\*\*", outside):
        assert key in named[0], f"{page.name}: {key}"
    for key in re.findall(r"\b(?:Ctrl|Shift)\+\w+|\bF\d\d?\b(?!-)", outside):
        assert key in named[0] or key == "F1", f"{page.name}: {key}"


@pytest.mark.parametrize("page", GUIDE, ids=lambda page: page.name)
def test_controls_exist(page, named):
    _, outside = blocks(page)
    # not whole sentences in italics: those are captions of pictures
    for words in re.findall(r"(?<![\w*])\*([A-Z][^*\n]+?[^.*])\*(?![\w*])", outside):
        assert plain(words) in named[1], f"{page.name}: {words}"


def test_every_heuristic_is_explained():
    _, words = blocks(ROOT / "docs" / "heuristics.md")
    for name in HEURISTICS:
        if not name.startswith("unstructured"):
            assert f"`{name}`" in words, name


def test_pictures_are_small_and_shown():
    guide = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    for path in sorted((ROOT / "docs" / "images").iterdir()):
        assert path.stat().st_size <= 250_000, path.name
        assert f"images/{path.name}" in guide, path.name


def test_the_guide_explains_every_chart_of_the_registry():
    page = (ROOT / "docs" / "plots.md").read_text(encoding="utf-8")
    explained = re.findall(r"^- \*([^*]+)\*:", page, flags=re.MULTILINE)
    assert explained == [kind.title for kind in CHARTS]
