"""URLs of the site, all of them under the path of YTARCHIVE_PATH."""

from django.conf import settings
from django.contrib import admin
from django.contrib.auth import views as auth_views
from django.contrib.staticfiles.storage import staticfiles_storage
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, URLResolver, include, path

from downloads.views.decorators import drop_foreign_next, post_only
from downloads.views.login import LoginForm
from downloads.views.own_account import pages as account


def favicon(request: HttpRequest) -> HttpResponse:
    """Redirect favicon.ico, which browsers request by default, to the icon."""
    return HttpResponseRedirect(staticfiles_storage.url("favicon.svg"))


handler400 = "downloads.views.error_handlers.bad_request"
handler403 = "downloads.views.error_handlers.permission_denied"
handler500 = "downloads.views.middleware.database_outage.server_error"
site_urls: list[URLPattern | URLResolver] = [
    # Before the admin's own, which they replace: one place to sign in and out, and to change one's password.
    path("admin/login/", drop_foreign_next(account.admin_sign_in)),
    path("admin/logout/", post_only(drop_foreign_next(auth_views.LogoutView.as_view()))),
    path("admin/", admin.site.urls),
    path(
        "accounts/login/",
        drop_foreign_next(auth_views.LoginView.as_view(form_class=LoginForm, redirect_authenticated_user=True)),
        name="login",
    ),
    path("accounts/logout/", post_only(drop_foreign_next(auth_views.LogoutView.as_view())), name="logout"),
    path("favicon.ico", favicon),
    path("", include("downloads.urls")),
]

# A request from which a proxy removed the path has it again (ytarchive.server.request_checks.ForwardedPath).
urlpatterns = [path(settings.URL_PREFIX.removeprefix("/"), include(site_urls))]
