"""Tiles that no training of this project ever sees."""

#: Stems of `dsb2018_stained`: white-background smears, purple tissue at low and
#: at high magnification, pink H&E.
DSB_HELD_OUT: tuple[str, ...] = (
    "337b6eed0726", "7773ac91af61", "a0325cb7aa59", "ed5be4b63e95", "947c0d94c821",
    "3934a094e853", "65c8527c16a0", "4ca5081854df", "a31deaf0ac27",
    "0d3640c1f1b8", "6d327ab4f0e3", "be771d6831e3", "ebc18868864a", "f7e5dcfc9c93",
    "57bd029b19c1",
)  # fmt: skip

#: Stems of `tnbc_naylor`: one of dense tumour, one of stroma.
TNBC_HELD_OUT: tuple[str, ...] = ("1046", "1014")
