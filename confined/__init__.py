"""Work whose memory and time are bounded: reading pictures of strangers and making PDFs, in processes of their own.

``python -m confined pictures`` and ``python -m confined paper`` are two small servers. Each job is done by a child
that is forked for it, may take so much memory and time, and ends with it, so that all its memory goes back; so many
run at once, and so many may wait. The portal and its worker ask through ``confined.client`` over a UNIX socket,
along which files go as open descriptors: no picture passes through the memory of who asks.

A server has no secret, no database and no network. See docs/decisions/0019-bounded-processes.md.
"""
