"""Options of recovery finetune, for every command that prunes."""

import argparse

from app.cli import values


def add_training(parser: argparse.ArgumentParser, data: str) -> None:
    """Add the options of recovery finetune; ``data`` names that of the tiles."""
    group = parser.add_argument_group("with --recovery finetune")
    group.add_argument(
        data,
        dest="train_data",
        metavar="DIR",
        help="labelled tiles to learn from; without any, the dense model teaches",
    )
    group.add_argument(
        "--minutes",
        type=values.positive,
        metavar="M",
        help="limit of time; it ends earlier when nothing gets better; 2 if left out",
    )
    group.add_argument(
        "--steps",
        type=values.count,
        dest="train_steps",
        metavar="N",
        help="a number of steps instead of a time: gives the same model again",
    )
    group.add_argument(
        "--rate",
        type=values.positive,
        metavar="R",
        help="highest learning rate; 0.001 if left out",
    )
    group.add_argument(
        "--distil",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="learn the dense model's outputs beside the labels; on if left out",
    )
    group.add_argument(
        "--device", help="auto (if left out), cpu, cuda or mps: where it is trained"
    )
