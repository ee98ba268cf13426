from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "portal.accounts"

    def ready(self) -> None:
        from django.contrib.auth.signals import user_logged_in
        from django.db.models.signals import post_save

        from portal.accounts.addresses import on_user_saved
        from portal.accounts.preferences import on_sign_in

        user_logged_in.connect(on_sign_in, dispatch_uid="language_of_the_session")
        post_save.connect(on_user_saved, sender=self.get_model("User"), dispatch_uid="address_of_the_account")
