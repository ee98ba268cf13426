"""What can go wrong on a user's machine, in one sentence that says what to do."""


class EmbeddedError(Exception):
    """A failure that the user can act on; ``str()`` is shown as it is, without a traceback.

    ``log_tail`` holds the last lines of the log of the process that failed, where there is one.
    """

    def __init__(self, message: str, log_tail: str = "") -> None:
        super().__init__(message)
        self.log_tail = log_tail


class StopRequested(Exception):
    """Ctrl-C, SIGTERM or SIGHUP reached the supervisor: stop everything in order."""
