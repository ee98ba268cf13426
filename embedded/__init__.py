"""The whole of Hemalens on one machine: PostgreSQL, Valkey and tritonserver out of Python wheels, and the portal's processes.

``python -m embedded run`` is what ``make run`` calls. The package imports nothing of the project: it starts its parts
as child processes and tells them where the others are through the environment.
"""
