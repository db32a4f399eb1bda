"""From a plan to a smaller module, and its repair in closed form.

Start from `apply.apply_plan`; `masked.mask_plan` is the oracle of dense shapes.
"""
