"""How a case comes in: filing, photographs, submission, cancelling."""
