"""Pre-classification: the model server, the worker that asks it, and jobs."""

from portal.config.settings.environment import BASE_DIR, env

TRITON_GRPC_URL = env.str("TRITON_GRPC_URL", default="127.0.0.1:8001")
TRITON_HTTP_URL = env.str("TRITON_HTTP_URL", default="http://127.0.0.1:8000")
TRITON_DEADLINE_SECONDS = env.float("TRITON_DEADLINE_SECONDS", default=20)
# How long one try of a job waits for a server that is restarting.
TRITON_RETRY_SECONDS = env.float("TRITON_RETRY_SECONDS", default=20)
CONTRACT_CHECK_SECONDS = env.float("CONTRACT_CHECK_SECONDS", default=15)
HEARTBEAT_SECONDS = env.float("HEARTBEAT_SECONDS", default=3)
HEARTBEAT_TTL_SECONDS = env.int("HEARTBEAT_TTL_SECONDS", default=15)
MODEL_NAME = env.str("MODEL_NAME", default="leukemia_vgg16")
# The version to register and to use; without it the one that the model's card describes.
MODEL_VERSION = env.int("MODEL_VERSION", default=None)
MODEL_REPOSITORY = env.path("MODEL_REPOSITORY", default=str(BASE_DIR / "triton_models"))
# How long one try waits for a process to read its photograph; reading it may take 1.5 times PICTURE_SECONDS by the
# clock (confined/bounds.py).
PICTURE_PATIENCE_SECONDS = env.float("PICTURE_PATIENCE_SECONDS", default=15)
# A job that runs longer than its lease belongs to a dead worker, so all of the above together stay below it; one that
# waits longer than the resend time has lost its message; one that is older than the give-up time lets its case go to
# reading without an answer.
JOB_LEASE_SECONDS = env.int("JOB_LEASE_SECONDS", default=150)
JOB_RESEND_SECONDS = env.int("JOB_RESEND_SECONDS", default=20)
JOB_GIVE_UP_SECONDS = env.int("JOB_GIVE_UP_SECONDS", default=600)
JOB_MAX_ATTEMPTS = env.int("JOB_MAX_ATTEMPTS", default=5)
# The repair of all this runs every so many seconds in the web processes (docs/decisions/0027-repair.md). The health
# page shows red when something has waited for so many seconds and nothing was done in that time.
REPAIR_SECONDS = env.float("REPAIR_SECONDS", default=5)
QUEUE_RED_SECONDS = env.float("QUEUE_RED_SECONDS", default=45)
# Seconds until a quick look says that there is no answer.
QUICK_LOOK_SECONDS = env.int("QUICK_LOOK_SECONDS", default=60)
QUICK_LOOK_MINUTES = env.int("QUICK_LOOK_MINUTES", default=15)
