"""Only the hash of a link's token is kept."""

from django.db import migrations, models

from portal.one_way import one_way


class Migration(migrations.Migration):

    dependencies = [("accounts", "0007_end_open_invitations")]

    operations = [
        migrations.AlterField("invitation", "token_sha256", models.CharField(max_length=64, unique=True)),
        migrations.RemoveField("invitation", "token"),
        one_way("The links of invitations cannot be made out of their hashes."),
    ]
