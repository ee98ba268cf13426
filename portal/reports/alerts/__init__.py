"""Urgent findings: who is told, when again, and who has acknowledged."""
