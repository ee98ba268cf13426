"""The web server: uvicorn takes requests in and gives answers out, threads run the portal in between.

A thread is given a request when all of it is there, and is free again when its answer is made, however slowly the
client sends and reads (docs/decisions/0021-slow-clients.md).
"""
