"""Small slides as real libraries write them."""

import imagecodecs
import numpy as np
import tifffile


def picture(height=512, width=640, seed=3):
    """Smooth bright colours, so that JPEG and scaling change little."""
    rng = np.random.default_rng(seed)
    small = rng.integers(90, 240, (height // 64 + 2, width // 64 + 2, 3))
    rows = np.linspace(0, small.shape[0] - 1.001, height)
    columns = np.linspace(0, small.shape[1] - 1.001, width)
    top, left = rows.astype(int), columns.astype(int)
    down, across = (rows - top)[:, None, None], (columns - left)[None, :, None]
    upper = small[top][:, left] * (1 - across) + small[top][:, left + 1] * across
    lower = (
        small[top + 1][:, left] * (1 - across) + small[top + 1][:, left + 1] * across
    )
    return (upper * (1 - down) + lower * down).astype(np.uint8)


def write_svs(path, pixels, about="AppMag = 40|MPP = 0.2500"):
    """An Aperio slide of two levels with thumbnail, label and macro."""
    height, width = pixels.shape[:2]
    start = f"Aperio Image Library v11.2.1 \r\n{width}x{height}"
    jpeg = {"photometric": "rgb", "compression": "jpeg", "metadata": None}
    tiled = {**jpeg, "tile": (128, 128)}
    with tifffile.TiffWriter(path) as tiff:
        text = f"{start} [0,0 {width}x{height}] (128x128) JPEG/RGB Q=90|{about}"
        tiff.write(pixels, description=text, **tiled)
        small = pixels[::4, ::4]
        tiff.write(small, description=f"{start} -> 128x128 - |AppMag = 40", **jpeg)
        text = f"{start} -> {width // 2}x{height // 2} JPEG/RGB"
        tiff.write(pixels[::2, ::2], description=text, subfiletype=0, **tiled)
        aside = {"photometric": "rgb", "metadata": None, "compression": "lzw"}
        label = np.zeros((60, 50, 3), np.uint8)
        tiff.write(label, description=f"{start}\nlabel 50x60", subfiletype=1, **aside)
        macro = np.full((60, 140, 3), 9, np.uint8)
        tiff.write(macro, description=f"{start}\nmacro 140x60", subfiletype=9, **aside)


def write_flat_pyramid(path, side, tile=1024, value=200):
    """A pyramid whose tiles are all alike; each is packed once."""
    block = np.full((tile, tile, 3), value, np.uint8)
    packed = imagecodecs.zlib_encode(block)
    with tifffile.TiffWriter(path, bigtiff=True) as tiff:
        level = side
        while level >= tile // 2:
            count = (-(-level // tile)) ** 2
            tiff.write(
                iter([packed] * count),
                shape=(level, level, 3),
                dtype=np.uint8,
                tile=(tile, tile),
                photometric="rgb",
                compression="zlib",
                metadata=None,
                subfiletype=int(level < side),
                resolution=(1e4 / 0.25 * level / side,) * 2,
                resolutionunit=3,
            )
            level //= 2
