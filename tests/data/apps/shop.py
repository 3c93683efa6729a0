"""Django's admin over one model with a picture, in one file: `python shop.py PORT`."""

import os
import sys
from pathlib import Path

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler

FOLDER = Path(os.environ["SITE_FOLDER"])
settings.configure(
    DEBUG=True,
    SECRET_KEY="a key of the test's own",
    ALLOWED_HOSTS=["*"],
    CSRF_TRUSTED_ORIGINS=["https://callkom.io"],
    ROOT_URLCONF="site_urls",
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": FOLDER / "site.sqlite3"}},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    INSTALLED_APPS=[
        "django.contrib.admin",
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "django.contrib.messages",
        "django.contrib.staticfiles",
    ],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.locale.LocaleMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
    ],
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "APP_DIRS": True,
            "OPTIONS": {
                "context_processors": [
                    "django.template.context_processors.request",
                    "django.contrib.auth.context_processors.auth",
                    "django.contrib.messages.context_processors.messages",
                ]
            },
        }
    ],
    STATIC_URL="static/",
    MEDIA_URL="media/",
    MEDIA_ROOT=FOLDER / "media",
    SESSION_COOKIE_SECURE=True,
    CSRF_COOKIE_SECURE=True,
)
django.setup()

from django.contrib import admin  # noqa: E402
from django.contrib.auth import get_user_model  # noqa: E402
from django.contrib.auth.models import Group  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection, models  # noqa: E402
from django.http import HttpResponse  # noqa: E402
from django.urls import path  # noqa: E402


class Report(models.Model):
    title = models.CharField(max_length=80)
    document = models.FileField(upload_to="reports")
    group = models.ForeignKey(Group, null=True, blank=True, on_delete=models.SET_NULL)

    class Meta:
        app_label = "auth"

    def __str__(self) -> str:
        return f"{self.title}, {self.document.size} bytes"


admin.site.register(Report)
HOME = (
    '<!doctype html><html lang="en"><title>Shop</title>'
    '<script async src="https://www.googletagmanager.com/gtag/js?id=G-1"></script>'
    '<body><h1>Shop</h1><a href="/admin/">Administration</a></body></html>'
)
urls = type(sys)("site_urls")
urls.urlpatterns = [path("", lambda _: HttpResponse(HOME)), path("admin/", admin.site.urls)]
sys.modules["site_urls"] = urls


def main() -> None:
    call_command("migrate", verbosity=0)
    with connection.schema_editor() as editor:
        editor.create_model(Report)
    get_user_model().objects.create_superuser("ada", "ada@example.com", "open sesame")
    get_user_model().objects.get(username="ada").user_permissions.clear()
    from django.contrib.staticfiles.handlers import StaticFilesHandler
    from django.core.servers.basehttp import run

    run("127.0.0.1", int(sys.argv[1]), StaticFilesHandler(WSGIHandler()), threading=True)


if __name__ == "__main__":
    main()
