"""How good answers are, when to refer instead, and what a network looks at."""
