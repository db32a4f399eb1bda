"""From scores to a plan: which indices of which parameter are kept.

Start from `planner.make_plan`; a plan is plain data, made before anything is touched.
"""
