#!/usr/bin/env python
"""Django's command line for Hemalens. ``--join``: for the instance that `make run` started on this machine."""

import os
import sys


def main() -> None:
    """Run the command; what belongs to it follows ``--join``."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.config.settings")
    arguments = sys.argv
    if arguments[1:2] == ["--join"]:
        os.environ["HEMALENS_JOIN"] = "1"
        arguments = [arguments[0], *arguments[2:]]
    from django.core.management import execute_from_command_line

    execute_from_command_line(arguments)


if __name__ == "__main__":
    main()
