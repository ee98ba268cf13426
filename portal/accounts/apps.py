from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "portal.accounts"

    def ready(self) -> None:
        from django.contrib.auth.signals import user_logged_in
        from django.db.models.signals import post_save

        from portal.accounts import access, addresses
        from portal.accounts.models import User
        from portal.accounts.preferences import on_sign_in

        user_logged_in.connect(on_sign_in, dispatch_uid="language_of_the_session")
        post_save.connect(addresses.on_user_saved, sender=User, dispatch_uid="address_of_the_account")
        post_save.connect(access.on_user_saved, sender=User, dispatch_uid="access_ends_with_the_password")
