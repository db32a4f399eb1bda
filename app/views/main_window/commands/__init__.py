"""Every command of the window in one table: menus, toolbar, palette and keys.

Start from `table`. A new command is one row: in `files` what opens and saves, in
`views` what is shown, in `work` all else.
"""
