"""What the pages of every app share: refusals, limits, errors, caching."""
