"""What happens between upload and prediction: Celery tasks and the Triton client. Never imports torch."""
