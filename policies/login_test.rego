package login_test

import data.login

codes(input_document, settings) := {problem.code |
	some problem in login.violation with input as input_document with data.logins as settings
}

required(input_document, settings) := rules if {
	rules := login.require with input as input_document with data.logins as settings
}

at_home := {
	"user": {"id": "01ALICE", "username": "alice", "is_admin": false},
	"place": "authorization",
	"client": {"id": "01APP", "host": "app.example.com"},
	"scope": "openid urn:matrix:client:api:*",
	"session": {"ip": "192.0.2.7", "acr": "password", "age": 60},
	"requester": {"ip": "192.0.2.8"},
}

on_the_road := object.union(at_home, {"requester": {"ip": "2001:db8::1"}})

mfa(rule) := {"require": [object.union({"acr": "mfa"}, rule)]}

test_nothing_is_refused_or_required_without_data if {
	count(login.violation) == 0 with input as at_home
	count(login.require) == 0 with input as at_home
}

test_networks_are_denied if {
	codes(at_home, {"denied_networks": ["192.0.2.0/24"]}) == {"network-denied"}
	codes(on_the_road, {"denied_networks": ["192.0.2.0/24"]}) == set()
	codes(on_the_road, {"denied_networks": ["2001:db8::/32"]}) == {"network-denied"}
}

test_only_certain_networks_are_allowed if {
	codes(at_home, {"allowed_networks": ["192.0.2.0/24"]}) == set()
	codes(on_the_road, {"allowed_networks": ["192.0.2.0/24"]}) == {"network-not-allowed"}
	codes(object.remove(at_home, ["requester"]), {"allowed_networks": ["192.0.2.0/24"]}) == {"network-not-allowed"}
}

test_a_class_is_required_of_everybody if required(at_home, mfa({})) == {{"code": "login-rule", "acr": "mfa"}}

test_a_rule_has_its_own_name if {
	required(at_home, mfa({"code": "two-factors"})) == {{"code": "two-factors", "acr": "mfa"}}
}

test_a_login_gets_old if {
	required(at_home, {"require": [{"max_age_hours": 12}]}) == {{"code": "login-rule", "max_age_hours": 12}}
}

test_a_rule_concerns_its_users if {
	count(required(at_home, mfa({"users": ["alice"]}))) == 1
	count(required(at_home, mfa({"users": ["bob"]}))) == 0
}

test_a_rule_concerns_administrators if {
	count(required(at_home, mfa({"admins": true}))) == 0
	count(required(object.union(at_home, {"user": {"is_admin": true}}), mfa({"admins": true}))) == 1
	count(required(at_home, mfa({"admins": true, "users": ["alice"]}))) == 1
}

test_a_rule_concerns_its_clients if {
	count(required(at_home, mfa({"clients": ["01APP"]}))) == 1
	count(required(at_home, mfa({"clients": ["app.example.com"]}))) == 1
	count(required(at_home, mfa({"clients": ["01OTHER"]}))) == 0
	count(required(object.remove(at_home, ["client"]), mfa({"clients": ["01APP"]}))) == 0
}

test_a_rule_concerns_its_scopes if {
	count(required(at_home, mfa({"scopes": ["urn:matrix:client:api:*"]}))) == 1
	count(required(at_home, mfa({"scopes": ["urn:synapse:admin:*"]}))) == 0
	count(required(object.remove(at_home, ["scope"]), mfa({"scopes": ["openid"]}))) == 0
}

test_a_rule_concerns_its_places if {
	count(required(at_home, mfa({"places": ["authorization", "sso"]}))) == 1
	count(required(at_home, mfa({"places": ["account"]}))) == 0
}

test_a_rule_concerns_those_outside if {
	outside := object.union(mfa({"outside_trusted_networks": true}), {"trusted_networks": ["192.0.2.0/24"]})
	count(required(at_home, outside)) == 0
	count(required(on_the_road, outside)) == 1
	count(required(object.remove(at_home, ["requester"]), outside)) == 1
}

test_a_login_is_not_carried_out_of_a_trusted_network if {
	settings := {"ask_again_outside_trusted_networks": true, "trusted_networks": ["192.0.2.0/24"]}
	required(on_the_road, settings) == {{"code": "left-trusted-network", "again": true}}
	count(required(at_home, settings)) == 0
	elsewhere := object.union(on_the_road, {"session": {"ip": "198.51.100.1"}})
	count(required(elsewhere, settings)) == 0
	count(required(on_the_road, object.remove(settings, ["ask_again_outside_trusted_networks"]))) == 0
}
