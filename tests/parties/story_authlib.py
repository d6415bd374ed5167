"""Authlib signs somebody in, verifies the ID token by the published keys, refreshes and signs out."""

import os
from urllib.parse import parse_qs, urlencode, urlsplit

import requests
from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.jwk import KeySet

from browser import Browser

issuer = os.environ["KEYMAKER_ISSUER"]
redirect_uri = os.environ["KEYMAKER_REDIRECT_URI"]
after_logout = os.environ["KEYMAKER_POST_LOGOUT_REDIRECT_URI"]
client_id = os.environ["KEYMAKER_CLIENT_ID"]

metadata = requests.get(issuer + ".well-known/openid-configuration", timeout=30).json()
keys = KeySet.import_key_set(requests.get(metadata["jwks_uri"], timeout=30).json())
session = OAuth2Session(
    client_id,
    os.environ["KEYMAKER_CLIENT_SECRET"],
    scope="openid profile email",
    redirect_uri=redirect_uri,
    token_endpoint_auth_method="client_secret_basic",
    code_challenge_method="S256",
)
verifier, nonce = generate_token(48), generate_token(20)
url, state = session.create_authorization_url(metadata["authorization_endpoint"], code_verifier=verifier, nonce=nonce)
browser = Browser()
landed = browser.go(url)
assert landed.startswith(redirect_uri), landed
assert parse_qs(urlsplit(landed).query)["iss"] == [issuer], landed
token = session.fetch_token(
    metadata["token_endpoint"], authorization_response=landed, state=state, code_verifier=verifier
)


def verify(id_token, nonce, access_token):
    decoded = jwt.decode(id_token, keys, algorithms=metadata["id_token_signing_alg_values_supported"])
    options = {"iss": {"essential": True, "value": issuer}, "aud": {"essential": True, "value": client_id}}
    params = {"client_id": client_id, "access_token": access_token, **({"nonce": nonce} if nonce else {})}
    claims = CodeIDToken(decoded.claims, decoded.header, options, params)
    claims.validate()
    return claims


claims = verify(token["id_token"], nonce, token["access_token"])
for wrong in ({"nonce": "another", "access_token": token["access_token"]}, {"nonce": nonce, "access_token": "another"}):
    try:
        verify(token["id_token"], **wrong)
    except Exception as refusal:
        assert "nonce" in str(refusal) or "at_hash" in str(refusal), refusal
    else:
        raise AssertionError(f"a verifier that takes {wrong} proves nothing")

person = session.get(metadata["userinfo_endpoint"]).json()
assert person["sub"] == claims["sub"], person
assert person["preferred_username"] == os.environ["KEYMAKER_USER"], person

before = token["access_token"]
token = session.refresh_token(metadata["token_endpoint"], refresh_token=token["refresh_token"])
assert token["access_token"] != before
id_token = token["id_token"]
assert verify(id_token, None, token["access_token"])["sub"] == claims["sub"]

parameters = {"id_token_hint": id_token, "post_logout_redirect_uri": after_logout, "state": "bye"}
assert browser.go(f"{metadata['end_session_endpoint']}?{urlencode(parameters)}") == f"{after_logout}?state=bye"
silent, _ = session.create_authorization_url(
    metadata["authorization_endpoint"], code_verifier=verifier, nonce=nonce, prompt="none"
)
assert parse_qs(urlsplit(browser.go(silent)).query)["error"] == ["login_required"]
