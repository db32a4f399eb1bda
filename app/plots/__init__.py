"""Trials as curves of the plots and as rows of the table, each with its looks.

Start from `curves`.
"""
