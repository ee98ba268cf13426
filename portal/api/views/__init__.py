"""The endpoints. Each asks a selector for what may be seen, lets a service do the work, and shows the result."""
