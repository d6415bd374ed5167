"""A Django project that people log in to with their Matrix account, and nothing else."""

import os

SECRET_KEY = os.environ["WIKI_SECRET_KEY"]
ALLOWED_HOSTS = ["localhost"]
ROOT_URLCONF = "wiki.urls"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "mozilla_django_oidc",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "DIRS": [os.path.join(os.path.dirname(__file__), "templates")],
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
            ]
        },
    }
]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["WIKI_DATABASE"]}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True

KEYMAKER = os.environ["KEYMAKER_ISSUER"]
AUTHENTICATION_BACKENDS = ["wiki.accounts.MatrixAccounts"]
OIDC_RP_CLIENT_ID = os.environ["KEYMAKER_CLIENT_ID"]
OIDC_RP_CLIENT_SECRET = os.environ["KEYMAKER_CLIENT_SECRET"]
OIDC_RP_SIGN_ALGO = "RS256"
OIDC_RP_SCOPES = "openid profile email"
OIDC_USE_PKCE = True
OIDC_OP_AUTHORIZATION_ENDPOINT = KEYMAKER + "authorize"
OIDC_OP_TOKEN_ENDPOINT = KEYMAKER + "oauth2/token"
OIDC_OP_USER_ENDPOINT = KEYMAKER + "oauth2/userinfo"
OIDC_OP_JWKS_ENDPOINT = KEYMAKER + "oauth2/keys.json"
# Logging out of the wiki ends the login at Keymaker too; without these two it goes on there.
OIDC_STORE_ID_TOKEN = True
OIDC_OP_LOGOUT_URL_METHOD = "wiki.accounts.logout_url"
LOGIN_REDIRECT_URL = LOGOUT_REDIRECT_URL = "/"
