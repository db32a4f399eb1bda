"""What one leaves with: points, pictures, and a report with all the evidence.

Start from `exporter`. The pruned model itself is written on the worker, in
`app.work.writing`.
"""
