"""Links of before were shown to administrators: those still open are withdrawn, and only hashes are kept of the rest."""

import hashlib

from django.db import migrations
from django.utils import timezone


def end_open_invitations(apps, schema_editor):
    Invitation = apps.get_model("accounts", "Invitation")
    User = apps.get_model("accounts", "User")
    for invitation in Invitation.objects.order_by("pk").iterator():
        invitation.token_sha256 = hashlib.sha256(invitation.token.encode()).hexdigest()
        if invitation.accepted_at is None:
            invitation.withdrawn_at = timezone.now()
        invitation.save()
    # `create_laboratory` made an account that opened with the link. Nobody has used it: the operator invites again.
    unused = User.objects.filter(is_active=False, last_login=None, memberships=None)
    for user in unused.filter(pk__in=Invitation.objects.values("invited_by")):
        own = Invitation.objects.filter(invited_by=user)
        if not own.exclude(email__iexact=user.email).exists():
            own.update(invited_by=None)
            user.delete()


class Migration(migrations.Migration):

    dependencies = [
        ("accounts", "0006_invitations"),
        ("account", "0009_emailaddress_unique_primary_email"),
    ]

    operations = [migrations.RunPython(end_open_invitations, migrations.RunPython.noop)]
