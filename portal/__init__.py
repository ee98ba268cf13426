"""The Django project: who may do what with a case, and what is stored."""
