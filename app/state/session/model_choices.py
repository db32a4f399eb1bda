"""The models that can be chosen, each with what is known of it before it is opened."""

from dataclasses import dataclass
from typing import Literal

Group = Literal["shipped", "recent", "untrained", "published"]
GROUPS: dict[Group, str] = {
    "shipped": "Comes with the program",
    "recent": "Opened lately",
    "untrained": "Architectures, untrained",
    "published": "Published weights",
}


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """One model of the list.

    Parameters
    ----------
    group
        Where it comes from.
    source
        Catalogue name or path; empty where it has to be fetched first.
    title
        In the list.
    card
        What is known of it, in Markdown.
    """

    group: Group
    source: str
    title: str
    card: str


PUBLISHED = (
    ModelChoice(
        "published",
        "",
        "HoVer-Net (PanNuke, CoNSeP, MoNuSAC, Kumar)",
        "# HoVer-Net\n\nNuclei and their types, 0.25 \N{MICRO SIGN}m per pixel. Graham "
        "et al. 2019, Medical Image Analysis 58.\n\n1. Open "
        "<https://github.com/vqdang/hover_net> and download one of the checkpoints "
        "that its README lists, such as `hovernet_fast_pannuke_type_tf2pytorch.tar`.\n"
        "2. Choose *Open file* here and take the `.tar` as it is.\n\nThe authors allow "
        "the use of most of these weights for research only: read the licence there.",
    ),
    ModelChoice(
        "published",
        "",
        "MONAI: HoVer-Net (CoNSeP)",
        "# Nuclei segmentation and classification of MONAI's model zoo\n\nHoVer-Net in "
        "mode fast, trained on CoNSeP, Apache-2.0.\n\n1. Open "
        "<https://monai.io/model-zoo.html> and download the bundle "
        "`pathology_nuclei_segmentation_classification`.\n2. Choose *Open file* here "
        "and take its `models/model.pt`.",
    ),
    ModelChoice(
        "published",
        "",
        "bioimage.io: U-Nets and others",
        "# Models of bioimage.io\n\n1. Open <https://bioimage.io>, choose a model for "
        "nuclei whose weights are a PyTorch state dict, and download it.\n2. Choose "
        "*Open file* here and take the file of weights in the package.",
    ),
)
