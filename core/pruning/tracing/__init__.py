"""From a network to its channel graph: which channels depend on which.

Start from `tracer.trace`; `rules` says how each operation passes channel labels on,
`graph.ChannelGraph` is the result. The package is not called ``trace``, as
`core.pruning.trace` is a function.
"""
