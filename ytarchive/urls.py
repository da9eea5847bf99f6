"""URLs of the site."""

from django.contrib import admin
from django.contrib.auth import views as auth_views
from django.contrib.staticfiles.storage import staticfiles_storage
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import include, path

from downloads.views.decorators import post_only
from downloads.views.login import LoginForm


def favicon(request: HttpRequest) -> HttpResponse:
    """Redirect /favicon.ico, which browsers request by default, to the icon."""
    return HttpResponseRedirect(staticfiles_storage.url("favicon.svg"))


urlpatterns = [
    path("admin/", admin.site.urls),
    path(
        "accounts/login/",
        auth_views.LoginView.as_view(form_class=LoginForm, redirect_authenticated_user=True),
        name="login",
    ),
    path("accounts/logout/", post_only(auth_views.LogoutView.as_view()), name="logout"),
    path("favicon.ico", favicon),
    path("", include("downloads.urls")),
]
