"""How fast a running Hemalens answers, and what it takes; measured from outside, as people and instruments use it."""
