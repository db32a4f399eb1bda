"""What a bundle starts: the program, or one of its processes."""

import multiprocessing
import sys

from app.__main__ import main
from core.children import run_asked_module

if __name__ == "__main__":
    multiprocessing.freeze_support()
    sys.exit(0 if run_asked_module(sys.argv[1:]) else main())
