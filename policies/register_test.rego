package register_test

import data.register

codes(input_document, settings) := {problem.code |
	some problem in register.violation with input as input_document with data.registration as settings
}

alice := {"username": "alice", "email": "alice@example.org", "method": "password", "requester": {"ip": "192.0.2.7"}}

test_nothing_is_refused_without_data if count(register.violation) == 0 with input as alice

test_reserved_names_are_refused if codes(alice, {"reserved_usernames": {"literals": ["alice"]}}) == {"username-reserved"}

test_a_name_is_banned_by_what_it_is if codes(alice, {"banned_usernames": {"literals": ["alice"]}}) == {"username-banned"}

test_a_name_is_banned_by_a_part_of_it if codes(alice, {"banned_usernames": {"substrings": ["lic"]}}) == {"username-banned"}

test_a_name_is_banned_by_its_beginning if codes(alice, {"banned_usernames": {"prefixes": ["al"]}}) == {"username-banned"}

test_a_name_is_banned_by_its_end if codes(alice, {"banned_usernames": {"suffixes": ["ce"]}}) == {"username-banned"}

test_a_name_is_banned_by_a_regular_expression if {
	codes(alice, {"banned_usernames": {"regexes": ["^A.+e$"]}}) == {"username-banned"}
}

test_other_names_are_not_banned if {
	patterns := {"literals": ["alic"], "substrings": ["bob"], "prefixes": ["l"], "suffixes": ["c"], "regexes": ["^a$"]}
	codes(alice, {"banned_usernames": patterns, "reserved_usernames": patterns}) == set()
}

test_only_names_of_a_form_are_allowed if {
	settings := {"allowed_usernames": {"prefixes": ["staff-"]}}
	codes(alice, settings) == {"username-not-allowed"}
	codes(object.union(alice, {"username": "staff-alice"}), settings) == set()
}

test_an_address_can_be_required if {
	codes(alice, {"require_email": true}) == set()
	codes(object.remove(alice, ["email"]), {"require_email": true}) == {"email-required"}
	codes(object.remove(alice, ["email"]), {"require_email": false}) == set()
}

test_ways_to_register_can_be_closed if {
	codes(alice, {"allowed_methods": ["upstream"]}) == {"registration-method-not-allowed"}
	codes(object.union(alice, {"method": "upstream"}), {"allowed_methods": ["upstream"]}) == set()
}

test_the_rules_of_addresses_count_too if {
	problems := register.violation with input as alice with data.emails as {"banned_domains": ["example.org"]}
	{problem.code | some problem in problems} == {"email-domain-banned"}
}

test_networks_and_programs_are_banned if {
	bans := {"banned_networks": ["192.0.2.0/24"], "banned_user_agents": {"prefixes": ["curl/"]}}
	requester := {"ip": "192.0.2.7", "user_agent": "curl/8"}
	problems := register.violation with input as object.union(alice, {"requester": requester}) with data.requester as bans
	{problem.code | some problem in problems} == {"requester-banned", "user-agent-banned"}
	others := object.union(alice, {"requester": {"ip": "198.51.100.7", "user_agent": "Firefox"}})
	count(register.violation) == 0 with input as others with data.requester as bans
}
