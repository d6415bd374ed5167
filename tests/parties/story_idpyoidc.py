"""idpyoidc, the library of the OpenID Foundation's own tests in Python, finds the server, signs somebody in, verifies,
asks who it is, refreshes and signs out."""

import os
import tempfile
from urllib.parse import parse_qsl, urlsplit

from idpyoidc.client.rp_handler import RPHandler

from browser import Browser

issuer = os.environ["KEYMAKER_ISSUER"]
redirect_uri = os.environ["KEYMAKER_REDIRECT_URI"]
after_logout = os.environ["KEYMAKER_POST_LOGOUT_REDIRECT_URI"]
os.chdir(tempfile.mkdtemp())

rp = RPHandler(
    httpc_params={"verify": os.environ["REQUESTS_CA_BUNDLE"]},
    base_url=redirect_uri.rsplit("/", 1)[0],
    client_configs={
        "keymaker": {
            "issuer": issuer,
            "redirect_uris": [redirect_uri],
            "post_logout_redirect_uris": [after_logout],
            "client_type": "oidc",
            "client_id": os.environ["KEYMAKER_CLIENT_ID"],
            "client_secret": os.environ["KEYMAKER_CLIENT_SECRET"],
            "application_type": "web",
            "response_types_supported": ["code"],
            "scopes_supported": ["openid", "profile", "email"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            "client_authn_methods": ["client_secret_basic", "bearer_header"],
            "add_ons": {
                "pkce": {
                    "function": "idpyoidc.client.oauth2.add_on.pkce.add_support",
                    "kwargs": {"code_challenge_length": 64, "code_challenge_method": "S256"},
                }
            },
            "services": {
                "discovery": {"class": "idpyoidc.client.oidc.provider_info_discovery.ProviderInfoDiscovery"},
                "authorization": {"class": "idpyoidc.client.oidc.authorization.Authorization"},
                "accesstoken": {"class": "idpyoidc.client.oidc.access_token.AccessToken"},
                "refresh_access_token": {
                    "class": "idpyoidc.client.oidc.refresh_access_token.RefreshAccessToken"
                },
                "userinfo": {"class": "idpyoidc.client.oidc.userinfo.UserInfo"},
                "end_session": {"class": "idpyoidc.client.oidc.end_session.EndSession"},
            },
        }
    },
)
browser = Browser()
url = rp.begin("keymaker")
# The keys are fetched without a look at the certificate unless each place is told.
state = dict(parse_qsl(urlsplit(url).query))["state"]
keyjar = rp.get_client_from_session_key(state).keyjar
for place in [keyjar, *keyjar._issuers.values(), *(bundle for issuer in keyjar._issuers.values() for bundle in issuer)]:
    place.httpc_params = {"verify": os.environ["REQUESTS_CA_BUNDLE"]}
landed = browser.go(url)
assert landed.startswith(redirect_uri), landed
answer = dict(parse_qsl(urlsplit(landed).query))
result = rp.finalize(issuer, answer)
assert "error" not in result, result
assert result["userinfo"]["sub"] == result["id_token"]["sub"], result
assert result["userinfo"]["preferred_username"] == os.environ["KEYMAKER_USER"], result
before = result["token"]
refreshed = rp.refresh_access_token(state)
assert refreshed["access_token"] != before, refreshed
assert rp.get_user_info(state, access_token=refreshed["access_token"])["sub"] == result["id_token"]["sub"]
out = rp.logout(state, post_logout_redirect_uri=after_logout)
assert browser.go(out["url"]).startswith(after_logout)
