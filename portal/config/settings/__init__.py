"""Settings of the portal, read from the environment; ``.env.example`` documents each variable.

There is no default that works for a secret: without SECRET_KEY and DATABASE_URL the portal does not start.
One module for each subject; Django reads them from here as one.
"""

from portal.config.settings.api import *
from portal.config.settings.applications import *
from portal.config.settings.data import *
from portal.config.settings.delivery import *
from portal.config.settings.environment import *
from portal.config.settings.languages import *
from portal.config.settings.logs import *
from portal.config.settings.mail import *
from portal.config.settings.model import *
from portal.config.settings.people import *
from portal.config.settings.security import *
