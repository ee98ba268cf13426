"""Migrations that cannot be taken back, in words that say what to do."""

from typing import Any

from django.db.migrations.exceptions import IrreversibleError
from django.db.migrations.operations import RunPython


def one_way(why: str) -> RunPython:
    """An operation that does nothing forward and refuses the way back; put it last. Raises IrreversibleError then."""

    def refuse(apps: Any, schema_editor: Any) -> None:
        raise IrreversibleError(f"{why} Restore the backup from before the upgrade.")

    return RunPython(RunPython.noop, refuse)
