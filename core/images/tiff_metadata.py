"""What a TIFF's first page says about its pixels: size, planes, depth."""

import re
from dataclasses import dataclass

from tifffile import TiffPage

from core.errors import InputError

_UNITS = {"m": 1e6, "cm": 1e4, "mm": 1e3, "nm": 1e-3, "inch": 25400.0}
_UNITS |= dict.fromkeys(("um", "µm", "μm", "micron", "\\u00b5m"), 1.0)
_RESOLUTION_UNITS = {2: 25400.0, 3: 1e4, 4: 1e3, 5: 1.0}
_OME_PIXELS = re.compile(r"<(?:\w+:)?Pixels\b([^>]*)>(.*?)</(?:\w+:)?Pixels>", re.S)
_OME_CHANNEL = re.compile(r"<(?:\w+:)?Channel\b([^>]*)>")
_ATTRIBUTE = re.compile(r'\b(\w+)="([^"]*)"')
_COLOUR_NAMES = {
    *("r", "g", "b", "red", "green", "blue"),
    *("channel 0", "channel 1", "channel 2", "channel 1", "channel 3"),
    *("channel:0:0", "channel:0:1", "channel:0:2", "c0", "c1", "c2", "0", "1", "2"),
}


@dataclass(frozen=True, slots=True)
class Planes:
    """How many pictures a file holds, by what tells them apart.

    Parameters
    ----------
    channels, slices, times
        Numbers of each; a channel is one plane of grey or one RGB picture.
    names
        Of the channels, where the file has them.
    """

    channels: int = 1
    slices: int = 1
    times: int = 1
    names: tuple[str, ...] = ()

    @property
    def total(self) -> int:
        """Number of pictures."""
        return self.channels * self.slices * self.times

    @property
    def may_be_colours(self) -> bool:
        """Whether three grey planes can be the colours of one picture."""
        named = {name.strip().lower() for name in self.names if name.strip()}
        one = self.slices == self.times == 1
        return one and self.channels == 3 and named <= _COLOUR_NAMES

    def describe(self) -> str:
        """Words for an error, such as ``"a stack of 5 planes (z)"``."""
        if self.slices == self.times == 1 and self.channels > 1 and self.names:
            return f"a picture of {self.channels} markers ({', '.join(self.names)})"
        axes = (("z", self.slices), ("time", self.times), ("channel", self.channels))
        said = ", ".join(f"{count} {axis}" for axis, count in axes if count > 1)
        more = f" ({said})" if said else ""
        return f"a stack of {self.total} planes{more}"


def stated_planes(text: str) -> Planes | None:
    """Read the numbers of planes from OME-XML or ImageJ's description, or None."""
    if text.startswith("ImageJ="):
        found = {
            key: int(value)
            for key, value in re.findall(r"^(images|channels|slices|frames)=(\d+)$",
                                         text.replace("\r", ""), re.M)
        }  # fmt: skip
        channels = found.get("channels", 1)
        slices, times = found.get("slices", 1), found.get("frames", 1)
        if channels * slices * times == 1:
            slices = found.get("images", 1)
        return Planes(channels, slices, times)
    pixels = _OME_PIXELS.search(text) if "<OME" in text or ":OME" in text else None
    if pixels is None:
        return None
    stated = dict(_ATTRIBUTE.findall(pixels.group(1)))
    listed = [
        dict(_ATTRIBUTE.findall(c)) for c in _OME_CHANNEL.findall(pixels.group(2))
    ]
    samples = max([_whole(c.get("SamplesPerPixel"), 1) for c in listed] or [1])
    return Planes(
        max(_whole(stated.get("SizeC"), 1) // samples, 1),
        _whole(stated.get("SizeZ"), 1),
        _whole(stated.get("SizeT"), 1),
        tuple(c["Name"] for c in listed if c.get("Name")),
    )


def stated_bits(page: TiffPage) -> int | None:
    """Bits of the brightest value, or None when only the storage is known."""
    stored = page.bitspersample
    if stored not in (8, 16, 32, 64):
        return int(stored)
    if stored == 8:
        return None
    text = page.description or ""
    if significant := re.search(r'SignificantBits="(\d+)"', text):
        return int(significant.group(1))
    largest = page.tags.valueof("MaxSampleValue")
    largest = max(largest) if isinstance(largest, tuple) and largest else largest
    if isinstance(largest, int) and 255 < largest < 65535:
        return largest.bit_length()
    return None


def stated_mpp(page: TiffPage) -> tuple[float, float] | None:
    """Micrometres per pixel along x and y, however implausible, or None."""
    text = page.description or ""
    if "PhysicalSizeX=" in text:
        return _ome_mpp(text)
    if "<PixelSizeMicrons>" in text:  # Akoya QPTIFF
        found = re.search(r"<PixelSizeMicrons>([0-9.eE+-]+)<", text)
        return _square(found.group(1) if found else "", 1.0)
    if aperio := re.search(r"\bMPP\s*=\s*([0-9.]+)", text):
        return _square(aperio.group(1), 1.0)
    ratios = [page.tags.valueof(f"{axis}Resolution") for axis in "XY"]
    if not all(isinstance(r, tuple) and len(r) == 2 and all(r) for r in ratios):
        return None
    unit = _RESOLUTION_UNITS.get(_whole(page.tags.valueof("ResolutionUnit", 2), 2))
    if imagej := re.match(r"ImageJ=[\s\S]*?\bunit=(\S+)", text):
        unit = _UNITS.get(imagej.group(1).lower())
    if not unit:
        return None
    x, y = (unit * ratio[1] / ratio[0] for ratio in ratios)
    return x, y


def stated_magnification(page: TiffPage) -> float | None:
    """Power of the objective that an Aperio slide states, or None."""
    found = re.search(r"\bAppMag\s*=\s*([0-9.]+)", page.description or "")
    return _number(found.group(1)) if found else None


def refuse_stack(planes: Planes, name: str) -> InputError:
    """Build the error for a file that holds several pictures."""
    return InputError(
        f"{name} is {planes.describe()}, not one picture; "
        "export one plane as a grey or RGB image."
    )


def _ome_mpp(text: str) -> tuple[float, float] | None:
    sizes: list[float] = []
    for axis in "XY":
        size = re.search(rf'PhysicalSize{axis}="([^"]*)"', text)
        unit = re.search(rf'PhysicalSize{axis}Unit="([^"]*)"', text)
        scale = _UNITS.get(unit.group(1) if unit else "um")
        value = _number(size.group(1)) if size else None
        if value is None or scale is None:
            break
        sizes.append(value * scale)
    return (sizes[0], sizes[-1]) if sizes else None


def _square(text: str, unit: float) -> tuple[float, float] | None:
    value = _number(text)
    return None if value is None else (value * unit, value * unit)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _whole(value: object, default: int) -> int:
    try:
        return int(str(value))
    except ValueError:
        return default
