"""Networks that a file describes as a graph of operators: ONNX and torch.export.

A graph becomes a torch module whose layers are torch's own, so that it is traced,
pruned and trained like any other. To read this, start from `network.GraphNetwork`;
`onnx_file` and `pt2_file` read files into its description, which is plain JSON.
"""
