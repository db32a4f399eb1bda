"""Files for others: points, pictures, and a report.

Start from `exporter`. The pruned model itself is written by the worker, in
`app.worker.writing`.
"""
