"""Every address of the site."""

from django.contrib import admin
from django.contrib.auth import views as accounts
from django.contrib.staticfiles.storage import staticfiles_storage
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import include, path

from downloads.views.decorators import post_only
from downloads.views.login import LoginForm


def favicon(request: HttpRequest) -> HttpResponse:
    """Lead browsers that ask without having been told to the icon."""
    return HttpResponseRedirect(staticfiles_storage.url("favicon.svg"))


urlpatterns = [
    path("admin/", admin.site.urls),
    path(
        "accounts/login/",
        accounts.LoginView.as_view(form_class=LoginForm, redirect_authenticated_user=True),
        name="login",
    ),
    path("accounts/logout/", post_only(accounts.LogoutView.as_view()), name="logout"),
    path("favicon.ico", favicon),
    path("", include("downloads.urls")),
]
