from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "portal.accounts"

    def ready(self) -> None:
        from django.contrib.auth.signals import user_logged_in

        from portal.accounts.preferences import on_sign_in

        user_logged_in.connect(on_sign_in, dispatch_uid="language_of_the_session")
