"""How the shipped networks are trained; the product itself never comes here.

Start from `demo`.
"""
