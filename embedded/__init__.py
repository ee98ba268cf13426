"""The whole of Hemalens on one machine: the portal's processes, and their services out of Python wheels.

``python -m embedded run`` is what ``make run`` calls. The package imports nothing of the project: it starts
its parts as child processes and passes the addresses of the others in the environment.
"""
