package compat_login_test

import data.compat_login

codes(input_document, settings) := {problem.code |
	some problem in compat_login.violation with input as input_document with data.compat as settings
}

login := {
	"user": {"id": "01ALICE", "username": "alice", "is_admin": false},
	"login_type": "m.login.password",
	"is_interactive": false,
	"device_count": 5,
	"requester": {"ip": "192.0.2.7"},
}

by_browser := object.union(login, {"login_type": "m.login.sso", "is_interactive": true})

test_nothing_is_refused_without_data if count(compat_login.violation) == 0 with input as login

test_nobody_has_more_devices_than_the_hard_limit if {
	codes(login, {"device_limit": {"hard_limit": 5}}) == {"too-many-devices"}
	codes(by_browser, {"device_limit": {"hard_limit": 5}}) == {"too-many-devices"}
	codes(login, {"device_limit": {"hard_limit": 6}}) == set()
}

test_the_soft_limit_is_for_those_who_can_end_a_device_first if {
	codes(by_browser, {"device_limit": {"soft_limit": 5}}) == {"device-limit-reached"}
	codes(by_browser, {"device_limit": {"soft_limit": 6}}) == set()
	codes(login, {"device_limit": {"soft_limit": 5}}) == set()
}

test_login_types_are_denied if {
	codes(login, {"denied_login_types": ["m.login.password"]}) == {"login-type-denied"}
	codes(login, {"denied_login_types": ["m.login.token"]}) == set()
}

test_users_are_denied if {
	codes(login, {"denied_users": ["alice"]}) == {"compat-user-denied"}
	codes(login, {"denied_users": ["bob"]}) == set()
}
