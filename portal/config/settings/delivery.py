"""Celery: see docs/decisions/0006-delivery.md."""

from kombu import Queue

from portal.config.settings.data import BROKER_URL
from portal.config.settings.environment import env

CELERY_BROKER_URL = BROKER_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
# Celery's own time limits do nothing in a pool of threads: worker/deadline.py has those that do.
TASK_DEADLINE_SECONDS = env.float("TASK_DEADLINE_SECONDS", default=120)
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# The worker waits for Triton and decodes, both without Python's lock; one process holds one gRPC channel, one check
# of the served model and half the memory of a pool of processes (docs/decisions/0006-delivery.md).
CELERY_WORKER_POOL = "threads"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
# Well above any task's deadline: redelivery is not how a lost task comes back (the repair sends it again).
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 3600,
    "socket_timeout": 5,
    "socket_connect_timeout": 2,
    # Who submits a case does not wait for a broker that is down: the job row is there, the repair sends it later.
    "max_retries": 1,
    "interval_start": 0.1,
    "interval_max": 0.1,
    "queue_order_strategy": "priority",  # "quick" is emptied before "default" is looked at
}
CELERY_TASK_DEFAULT_QUEUE = "default"
# "mail" is consumed by the process that can reach a mail server: in containers a separate service.
CELERY_TASK_QUEUES = [Queue("quick"), Queue("default"), Queue("mail")]
_QUEUES = {
    "quick": ("worker.quick_look", "worker.purge_quick_looks"),
    "mail": ("worker.mail_notification", "worker.send_due_mails"),
}
CELERY_TASK_ROUTES = {task: {"queue": queue} for queue, tasks in _QUEUES.items() for task in tasks}
# A task is left to end when the broker goes away: its rows are idempotent, and the answer is worth keeping.
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_BEAT_SCHEDULE = {
    "expire-claims": {"task": "worker.expire_claims", "schedule": 30.0, "options": {"expires": 30}},
    "purge-quick-looks": {"task": "worker.purge_quick_looks", "schedule": 60.0, "options": {"expires": 60}},
    "send-due-mails": {"task": "worker.send_due_mails", "schedule": 60.0, "options": {"expires": 60}},
    "remind-of-alerts": {"task": "worker.remind_of_alerts", "schedule": 60.0, "options": {"expires": 60}},
}
