"""Accounts, and what of reading and signing has a limit in time or number."""

from portal.config.settings.environment import env

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
ACCOUNT_ADAPTER = "portal.accounts.adapter.AccountAdapter"
ACCOUNT_FORMS = {
    "login": "portal.accounts.forms.SignInForm",
    "change_password": "portal.accounts.forms.ChangeOwnPasswordForm",
    "reset_password": "portal.accounts.forms.NewPasswordByMailForm",
}
MFA_FORMS = {
    "authenticate": "portal.accounts.forms.AuthenticateForm",
    "reauthenticate": "portal.accounts.forms.ReauthenticateForm",
    "activate_totp": "portal.accounts.forms.ActivateForm",
}
# allauth would count in the cache, and lock a whole laboratory behind one address out. portal.accounts.attempts counts.
ACCOUNT_RATE_LIMITS = False
# So many wrong passwords or codes for an account, or so many from one network address, and the next one waits so long.
SIGN_IN_ATTEMPTS = env.int("SIGN_IN_ATTEMPTS", default=5)
SIGN_IN_ATTEMPTS_PER_ADDRESS = env.int("SIGN_IN_ATTEMPTS_PER_ADDRESS", default=100)
SIGN_IN_LOCK_SECONDS = env.int("SIGN_IN_LOCK_SECONDS", default=300)
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
# People come by invitation, which proves the address (portal.accounts.addresses): nobody verifies one at sign-in.
# Another address takes its place once it is verified.
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_CHANGE_EMAIL = True
MFA_ALLOW_UNVERIFIED_EMAIL = True
# An open session alone cannot change address or second factor, and the owner is notified of every change.
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_SESSION_REMEMBER = False
# The operator's pages (portal.accounts.administration).
DJANGO_ADMIN = env.bool("DJANGO_ADMIN", default=False)
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "cases:worklist"
INVITATION_DAYS = env.int("INVITATION_DAYS", default=7)

# --- Reading
# A stored answer whose reader does not come back to conclude it becomes final after so many hours.
CONCLUDE_LEFT_HOURS = env.float("CONCLUDE_LEFT_HOURS", default=12)

# --- Signing
# So many wrong passwords at the signature, and it is refused for so long.
SIGN_ATTEMPTS = env.int("SIGN_ATTEMPTS", default=5)
SIGN_LOCK_SECONDS = env.int("SIGN_LOCK_SECONDS", default=300)
