"""What an administrator and an invited person enter."""

from typing import Any

from allauth.account.forms import ChangePasswordForm, LoginForm, ResetPasswordForm
from allauth.core import context
from allauth.mfa.base import forms as mfa
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from django import forms
from django.utils.translation import gettext_lazy as _

from portal.accounts import attempts, second_factor
from portal.accounts.choices import Role
from portal.accounts.locked import counted_page
from portal.accounts.selectors import user_with_address
from portal.text_fields import LineInput


class InviteForm(forms.Form):
    """An address and the role it is offered."""

    email = forms.EmailField(label=_("E-mail"), max_length=254)
    role = forms.ChoiceField(label=_("Role"), choices=Role.choices, initial=Role.SUBMITTER)


class AcceptInvitationForm(forms.Form):
    """The name and password of a new account."""

    full_name = LineInput(
        label=_("Full name"), max_length=150, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    password = forms.CharField(
        label=_("Password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("At least 12 characters. A few unrelated words are easy to remember and hard to guess."),
    )
    password_again = forms.CharField(
        label=_("Password again"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("password") != cleaned.get("password_again"):
            self.add_error("password_again", _("The two passwords do not match."))
        return cleaned


class SignInForm(LoginForm):
    """Signing in begins with the address: the cursor waits there."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].widget.attrs["autofocus"] = True


class ChangeOwnPasswordForm(ChangePasswordForm):
    """The password until now is counted like every password that is asked for again."""

    def clean_oldpassword(self) -> str:
        with counted_page(context.request, attempts.in_session(self.user.pk)):
            return str(super().clean_oldpassword())


class NewPasswordByMailForm(ResetPasswordForm):
    """A link to the address that the account signs in with; to none that somebody only entered."""

    def clean_email(self) -> str:
        email = str(super().clean_email())
        user = user_with_address(email)
        self.users = [user] if user and user.is_active else []
        return email


class _CountedCode:
    """Codes are counted in the database, and an authenticator's code holds once."""

    def clean_code(self) -> str:
        with counted_page(context.request, attempts.code(self.user.pk)):  # type: ignore[attr-defined]
            code = str(super().clean_code())  # type: ignore[misc]
            used = getattr(self, "authenticator", None)
            if used is not None and used.type == Authenticator.Type.TOTP:
                second_factor.use_once(self.user, code)  # type: ignore[attr-defined]
            return code


class AuthenticateForm(_CountedCode, mfa.AuthenticateForm):
    """The second factor at sign-in."""


class ReauthenticateForm(_CountedCode, mfa.ReauthenticateForm):
    """The second factor where it is asked for again."""


class ActivateForm(_CountedCode, ActivateTOTPForm):
    """The first code of a new authenticator."""
