from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("cases", "0006_quick_looked_by")]
    operations = [
        migrations.AddField(
            model_name="smearimage",
            name="perceptual_hash",
            field=models.BinaryField(
                help_text="of smear.likeness; null where the thumbnail was lost", max_length=32, null=True
            ),
        ),
    ]
