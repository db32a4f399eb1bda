"""One HTML file with all the evidence; it needs no network and no program."""

from app.export.report.facts import Facts, facts_of, repeat_line
from app.export.report.page import page, write_report

__all__ = ["Facts", "facts_of", "page", "repeat_line", "write_report"]
