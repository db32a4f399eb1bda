"""A stand-alone folder of the program for the system this runs on.

``python -m distribution.bundle`` needs PyInstaller. The folder runs on computers that
have no Python; ``prunescope`` in it is the window and the command line.

To read this file, start from `build_bundle`.
"""

import argparse
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from core.version import DISTRIBUTIONS
from distribution.one_package import rewrite

ROOT = Path(__file__).parents[1]
NAME = "prunescope"
_ONNX = ("onnx", "onnxscript", "onnxruntime")
# Parts for developers, and libraries that have an extra of their own.
_LEFT_OUT = (
    *("tkinter", "IPython", "matplotlib", "pandas", "pytest", "mypy", "setuptools"),
    *("distributed", "dask", "openvino", "openvino_telemetry", "torchvision"),
    *("monai", "timm", "segmentation_models_pytorch", "tensorboard", "triton"),
    *("torch.utils.tensorboard", "shapely", "hypothesis", "Cython", "numba"),
)
# Files that no program needs at run time, below the bundle's own folder.
_NOT_NEEDED = (
    *("torch/include", "torch/share", "torch/test", "torch/lib/*.a"),
    *("PySide6/Qt/qml", "PySide6/Qt/translations", "PySide6/scripts"),
    *("onnx/backend/test/data", "onnxruntime/tools", "onnxruntime/transformers"),
    *("scipy/*/tests", "numpy/*/tests", "skimage/*/tests", "imagecodecs/licenses/*.h"),
)


def build_bundle(folder: Path, root: Path = ROOT) -> Path:
    """Build the bundle.

    Parameters
    ----------
    folder
        Where it goes; a bundle that is there is replaced.
    root
        Of the checkout.

    Returns
    -------
    Path
        The program within the bundle.

    Raises
    ------
    RuntimeError
        When PyInstaller is missing or fails.
    """
    if importlib.util.find_spec("PyInstaller") is None:
        raise RuntimeError("run 'python -m pip install pyinstaller' first")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        site = _unpack_wheel(root, work)
        paths = os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")])
        options = list(_list_options(root, site, work, folder))
        done = subprocess.run(
            [sys.executable, "-P", "-m", "PyInstaller", *options],
            env=os.environ | {"PYTHONPATH": paths},
            cwd=work,
            check=False,
        )
    if done.returncode:
        raise RuntimeError(f"PyInstaller ended with {done.returncode}")
    bundle = folder / NAME
    _remove_unneeded(bundle)
    return bundle / (f"{NAME}.exe" if sys.platform == "win32" else NAME)


def _unpack_wheel(root: Path, work: Path) -> Path:
    """Return a folder with what the wheel installs, name and version included."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel"]
    subprocess.run([*command, "-d", str(work)], cwd=root, check=True)
    (wheel,) = work.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(work / "site")
    return work / "site"


def _list_options(root: Path, site: Path, work: Path, folder: Path) -> Iterator[str]:
    """Yield the options of PyInstaller."""
    icon = {"win32": "ico", "darwin": "icns"}.get(sys.platform, "")
    yield from ("--noconfirm", "--clean", "--onedir", "--log-level", "WARN")
    yield from ("--name", NAME, "--paths", str(site), "--distpath", str(folder))
    yield from ("--workpath", str(work / "build"), "--specpath", str(work))
    yield from ("--collect-all", NAME)
    if icon:
        yield from ("--icon", str(root / "resources" / "icons" / f"{NAME}.{icon}"))
    if sys.platform == "darwin":
        yield "--windowed"  # else there is no program for the dock
    for name in (NAME, *DISTRIBUTIONS, *_ONNX):
        if name == NAME or _is_there(name):
            yield from ("--copy-metadata", name)
    for name in _ONNX:
        if _is_there(name):
            yield from ("--collect-all" if name != "onnx" else "--collect-data", name)
    yield from ("--collect-all", "openslide_bin", "--collect-submodules", "imagecodecs")
    yield from ("--collect-data", "skimage")  # the first sample is one of its pictures
    for name in _LEFT_OUT:
        yield from ("--exclude-module", name)
    source = (root / "distribution" / "bundle_main.py").read_text(encoding="utf-8")
    start = work / "bundle_main.py"
    start.write_text(rewrite(source, root), encoding="utf-8")
    yield str(start)


def _is_there(distribution: str) -> bool:
    try:
        metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return False
    return True


def _remove_unneeded(bundle: Path) -> None:
    """Remove files that no program needs at run time."""
    for inside in (bundle, bundle / "_internal"):
        for pattern in _NOT_NEEDED:
            for path in inside.glob(pattern):
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def measure_size(folder: Path) -> int:
    """Return the bytes of all files in a folder, links not followed."""
    return sum(
        path.stat().st_size
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink()
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m distribution.bundle")
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="folder")
    chosen = parser.parse_args()
    start = time.monotonic()
    program = build_bundle(chosen.out)
    megabytes = measure_size(program.parent) / 1e6
    seconds = time.monotonic() - start
    print(f"{program}: {megabytes:.0f} MB in {seconds:.0f} s")  # noqa: T201
