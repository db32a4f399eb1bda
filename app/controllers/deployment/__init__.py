"""Whole slides and runtimes: windows of their own, with a process each.

Start with `app.controllers.deployment.windows`.
"""
