"""Forms of accounts and groups in the admin, with plain words, and with the permissions that mean something."""

from typing import Any, ClassVar

from django import forms
from django.contrib.auth.forms import (
    AdminPasswordChangeForm,
    AdminUserCreationForm,
    ReadOnlyPasswordHashWidget,
    UserChangeForm,
)

from downloads.accounts.administration.permission_choices import choosable_permissions
from downloads.accounts.permissions import is_last_administrator

FIELD_LABELS = {
    "email": "Email",
    "is_active": "Active",
    "is_staff": "Staff",
    "is_superuser": "Superuser",
    "date_joined": "Joined",
}
# The validators of the settings.
VALID_PASSWORDS = "At least 8 characters, not a common password, and not like the username."
FIELD_HELP = {
    "username": "Letters, digits and @ . + - _ only.",
    "is_active": "May sign in. Untick this instead of deleting an account.",
    "is_staff": "May use this admin, within the roles.",
    "is_superuser": "May do everything, whatever the roles are.",
    "groups": "",
    "user_permissions": "",
}


class PasswordSummaryWidget(ReadOnlyPasswordHashWidget):
    """Summary of a password: that it is set, and by which algorithm; its parameters tell nobody here anything."""

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """Keep the sentences that say that there is no password, or no valid one: they have no value."""
        context = super().get_context(name, value, attrs)
        algorithm = context["summary"][0].get("value")
        if algorithm:
            context["summary"] = [{"label": f"Set ({algorithm})"}]
        return context


def limit_permissions(form: Any, name: str) -> None:
    """Offer the choosable permissions alone in the field of this name, if the form has it."""
    if name in form.fields:
        form.fields[name].queryset = choosable_permissions(form.instance)


class ArchiveUserForm(UserChangeForm):
    """The form of an account, with one line for its password."""

    class Meta(UserChangeForm.Meta):
        labels = FIELD_LABELS
        help_texts = FIELD_HELP

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "password" in self.fields:
            self.fields["password"].widget = PasswordSummaryWidget()
            self.fields["password"].help_text = ""
        limit_permissions(self, "user_permissions")

    def clean(self) -> dict[str, Any]:
        """Refuse to take what the only active superuser needs, since nobody could give it back here."""
        cleaned = super().clean() or self.cleaned_data
        if is_last_administrator(self.instance):
            for name in ("is_active", "is_staff", "is_superuser"):
                if cleaned.get(name) is False:
                    self.add_error(name, "This is the only active superuser, and has to keep this.")
        return cleaned


class PlainPasswordMixin:
    """Mixin of forms that set a password, in plain words; Django's name backends that this archive does not have."""

    fields: dict[str, forms.Field]
    order_fields: Any
    has_choices: ClassVar = ("Set a password", "None yet")
    none_help = "Without a password nobody can sign in as this user."

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **kwargs})
        self.fields["password1"].help_text = VALID_PASSWORDS
        self.fields["password2"].label = "Password again"
        self.fields["password2"].help_text = ""
        if "usable_password" in self.fields:
            choice: Any = self.fields["usable_password"]
            choice.label, choice.help_text = "Sign-in", self.none_help
            self.order_fields(["username", "usable_password"])
            choice.choices = [*zip(("true", "false"), self.has_choices, strict=True)]


class ArchivePasswordForm(PlainPasswordMixin, AdminPasswordChangeForm):
    """The form that sets another person's password, or takes it away."""

    has_choices = ("Set a new password", "Take the password away")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if is_last_administrator(self.user):  # who could not sign in any more
            self.fields.pop("usable_password", None)


class ArchiveUserCreationForm(PlainPasswordMixin, AdminUserCreationForm):
    """The form that adds an account: a name and a password."""

    class Meta(AdminUserCreationForm.Meta):
        labels = FIELD_LABELS
        help_texts = FIELD_HELP


class ArchiveGroupForm(forms.ModelForm):
    """The form of a group."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        limit_permissions(self, "permissions")
