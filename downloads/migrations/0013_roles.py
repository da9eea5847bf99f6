"""Make the roles viewer, editor and manager, and everybody who has an account a manager, since all could do all."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

PERMISSIONS = {
    "viewer": ["view_video"],
    "editor": ["view_video", "add_video", "change_video"],
    "manager": ["view_video", "add_video", "change_video", "delete_video", "manage_archive"],
}


def create_roles(apps, using):
    """Create the groups that are missing, and add the permissions that a group of this name lacks."""
    # Django makes permissions after all migrations (post_migrate), which is too late for groups that have them.
    app = apps.get_app_config("downloads")
    app.models_module = getattr(app, "models_module", True)  # without which an app counts as one without models
    create_permissions(app, verbosity=0, using=using, apps=apps)
    permissions = apps.get_model("auth", "Permission").objects.using(using).filter(content_type__app_label="downloads")
    for name, codenames in PERMISSIONS.items():
        group, _ = apps.get_model("auth", "Group").objects.using(using).get_or_create(name=name)
        group.permissions.add(*permissions.filter(codename__in=codenames))
    return group


def make_users_managers(apps, schema_editor):
    """Create the roles and, the first time, make everybody a manager. What users have besides stays theirs."""
    using = schema_editor.connection.alias
    permissions = apps.get_model("auth", "Permission").objects.using(using)
    is_first_time = not permissions.filter(codename="manage_archive", content_type__app_label="downloads").exists()
    manager = create_roles(apps, using)
    if is_first_time:
        manager.user_set.add(*apps.get_model("auth", "User").objects.using(using).values_list("pk", flat=True))


class Migration(migrations.Migration):
    dependencies = [
        ("downloads", "0012_entry_requests"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [
        migrations.AlterModelOptions(
            "queue",
            {"permissions": (("manage_archive", "Can manage the whole queue, yt-dlp and the audit log"),)},
        ),
        migrations.RunPython(make_users_managers, migrations.RunPython.noop),
    ]
