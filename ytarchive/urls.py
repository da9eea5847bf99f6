"""URLs of the site, all of them under the path of YTARCHIVE_PATH."""

import re

from django.conf import settings
from django.contrib import admin
from django.contrib.auth import views as auth_views
from django.contrib.staticfiles.storage import staticfiles_storage
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.views.decorators.csrf import csrf_exempt

from downloads.views.decorators import drop_foreign_next, post_only
from downloads.views.login import LoginForm


def favicon(request: HttpRequest) -> HttpResponse:
    """Redirect favicon.ico, which browsers request by default, to the icon."""
    return HttpResponseRedirect(staticfiles_storage.url("favicon.svg"))


@csrf_exempt
def outside_path(request: HttpRequest) -> HttpResponse:
    """Return a 404 page that names the archive's path.

    Not a redirect: behind a proxy that removes the path from requests it would never end.
    """
    return render(request, "outside_path.html", {"url_prefix": settings.URL_PREFIX}, status=404)


handler400 = "downloads.views.refusals.bad_request"
site_urls: list[URLPattern | URLResolver] = [
    # Before the admin's own, which it replaces.
    path("admin/login/", drop_foreign_next(admin.site.login)),
    path("admin/logout/", drop_foreign_next(admin.site.admin_view(admin.site.logout))),
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

# Relative to the host: "tube/", or "" for the root.
prefix = settings.URL_PREFIX.removeprefix("/")
urlpatterns: list[URLPattern | URLResolver] = [path(prefix, include(site_urls))]
if prefix:
    # Not the path without its last slash: CommonMiddleware redirects that to the path.
    outside_pattern = rf"^(?!{re.escape(prefix.removesuffix('/'))}(?:/|$))"
    urlpatterns += [path("favicon.ico", favicon), re_path(outside_pattern, outside_path)]
