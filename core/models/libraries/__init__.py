"""Networks of other libraries, built by these where they are installed.

`recognise` says which network a state dict, a config or a folder is; `networks` builds
it from the library, the name of its class and plain arguments. Nothing of a file is
ever executed: names are looked up in the table of `core.tables.LIBRARIES`.
"""
