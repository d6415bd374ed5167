package authorization_grant_test

import data.authorization_grant

codes(input_document, settings) := {problem.code |
	some problem in authorization_grant.violation with input as input_document with data.authorization as settings
}

matrix := "openid urn:matrix:client:api:* urn:matrix:client:device:ABCDEFGHIJ"

request := {
	"client": {"id": "01APP", "host": "app.example.com"},
	"scope": matrix,
	"grant_type": "authorization_code",
	"user": {"id": "01ALICE", "username": "alice", "is_admin": false},
	"requester": {"ip": "192.0.2.7"},
}

administration := object.union(request, {"scope": concat(" ", [matrix, "urn:synapse:admin:*"])})

by_an_administrator := object.union(administration, {"user": {"is_admin": true}})

test_nothing_is_refused_without_data if count(authorization_grant.violation) == 0 with input as request

test_administration_is_for_administrators if {
	codes(administration, {}) == {"admin-not-allowed"}
	codes(by_an_administrator, {}) == set()
	codes(object.remove(administration, ["user"]), {}) == set()
}

test_administration_is_for_certain_clients if {
	codes(by_an_administrator, {"admin_clients": ["01OTHER"]}) == {"admin-client-not-allowed"}
	codes(by_an_administrator, {"admin_clients": ["01APP"]}) == set()
	codes(request, {"admin_clients": []}) == set()
}

test_clients_are_denied_by_id_and_by_host if {
	codes(request, {"denied_clients": ["01APP"]}) == {"client-denied"}
	codes(request, {"denied_clients": ["app.example.com"]}) == {"client-denied"}
	codes(request, {"denied_clients": ["01OTHER"]}) == set()
	codes(object.remove(request, ["user"]), {"denied_clients": ["01APP"]}) == {"client-denied"}
}

test_users_are_denied if {
	codes(request, {"denied_users": ["alice"]}) == {"user-denied"}
	codes(request, {"denied_users": ["bob"]}) == set()
}

test_grant_types_are_denied if {
	codes(request, {"denied_grant_types": ["authorization_code"]}) == {"grant-type-denied"}
	codes(request, {"denied_grant_types": ["client_credentials"]}) == set()
}

test_scopes_are_denied if {
	codes(request, {"denied_scopes": ["openid"]}) == {"scope-denied"}
	codes(request, {"denied_scopes": ["urn:matrix:client:device:*"]}) == {"scope-denied"}
	codes(request, {"denied_scopes": ["email", "urn:matrix:client:device:XYZ"]}) == set()
}

test_a_client_keeps_to_its_grant_types if {
	codes(request, {"clients": {"01APP": {"grant_types": ["client_credentials"]}}}) == {"client-grant-type-not-allowed"}
	codes(request, {"clients": {"01APP": {"grant_types": ["authorization_code"]}}}) == set()
	codes(request, {"clients": {"01OTHER": {"grant_types": []}}}) == set()
}

test_a_client_keeps_to_its_scopes if {
	codes(request, {"clients": {"01APP": {"scopes": ["openid"]}}}) == {"client-scope-not-allowed"}
	scopes := ["openid", "urn:matrix:client:api:*", "urn:matrix:client:device:*"]
	codes(request, {"clients": {"01APP": {"scopes": scopes}}}) == set()
	codes(request, {"clients": {"01OTHER": {"scopes": []}}}) == set()
}
