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

#: Tiles of CoNSeP's training part on which rates, stops and thresholds are chosen:
#: glands with lymphocytes, stroma with lymphocytes, tumour, and a mixture with
#: nuclei of other kinds.
CONSEP_VALIDATION: tuple[str, ...] = ("train_6", "train_9", "train_20", "train_24")

#: Patients of `tnbc` that are only tested on.
TNBC_TEST_PATIENTS: tuple[str, ...] = ("10", "11")

#: Of these patients, what the first demo weights were trained on: `10_2` is `1045` of
#: `tnbc_naylor`. Models that start from those weights are not tested on it.
TNBC_SEEN: tuple[str, ...] = ("10_2",)

#: Tiles of `tnbc` for the same choices: one patient, and `1014` of `tnbc_naylor`.
TNBC_VALIDATION: tuple[str, ...] = ("07_1", "07_2", "07_3", "03_4")

#: Stems of `dsb2018_stained` for the same choices. The first demo weights were
#: trained on them.
DSB_VALIDATION: tuple[str, ...] = (
    "136000dc18fa", "3b0709483b1e", "55f98f43c152",
    "7f55678298ad", "aa58ba451295", "cbff60361ded",
)  # fmt: skip
