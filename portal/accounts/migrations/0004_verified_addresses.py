"""The address an account signs in with today counts as verified; what nobody verified is dropped."""

from django.db import migrations


def vouch(apps, schema_editor):
    User = apps.get_model("accounts", "User")
    EmailAddress = apps.get_model("account", "EmailAddress")
    for user in User.objects.order_by("pk").iterator():
        email = user.email.lower()
        own = EmailAddress.objects.filter(user=user)
        # Whoever had an open session could enter another address without a password: none of these proves anything.
        own.exclude(email=email).delete()
        EmailAddress.objects.filter(email=email).exclude(user=user).delete()
        own.update_or_create(user=user, email=email, defaults={"verified": True, "primary": True})


class Migration(migrations.Migration):

    dependencies = [
        ("accounts", "0003_tallies"),
        ("account", "0009_emailaddress_unique_primary_email"),
    ]

    operations = [migrations.RunPython(vouch, migrations.RunPython.noop)]
