"""From the state to the views: compares two states and sets what is different.

Start from `presenter.Presenter.show`; the plots begin in `plotting`, masks in `masks`.
"""
