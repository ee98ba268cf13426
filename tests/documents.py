"""What the tests call an open document."""

from typing import Any, TypeAlias

#: Of JSON, YAML or a model card: what it holds is for the test to look at.
Document: TypeAlias = dict[str, Any]
#: The same where it is a list.
Items: TypeAlias = list[Any]
