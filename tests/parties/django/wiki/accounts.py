"""Who somebody with a Matrix account is in the wiki."""

from urllib.parse import urlencode

from django.conf import settings
from mozilla_django_oidc.auth import OIDCAuthenticationBackend


class MatrixAccounts(OIDCAuthenticationBackend):
    """Knows people by `sub`, which is theirs for good; a name or an address may be somebody else's one day."""

    def verify_claims(self, claims):
        return bool(claims.get("sub"))

    def filter_users_by_claims(self, claims):
        return self.UserModel.objects.filter(username=claims["sub"])

    def create_user(self, claims):
        user = self.UserModel(username=claims["sub"])
        user.set_unusable_password()
        return self.update_user(user, claims)

    def update_user(self, user, claims):
        user.first_name = claims.get("name") or claims["preferred_username"]
        user.email = claims.get("email", "")
        user.save()
        return user


def logout_url(request):
    """Where the browser goes after it was logged out here, to be logged out there and to come back."""
    parameters = {
        "id_token_hint": request.session["oidc_id_token"],
        "post_logout_redirect_uri": request.build_absolute_uri("/"),
    }
    return f"{settings.KEYMAKER}oauth2/logout?{urlencode(parameters)}"
