"""Urgent findings: who is notified, when again, and who has acknowledged."""
