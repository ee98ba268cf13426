"""What a person prefers: language, mail and keys."""
