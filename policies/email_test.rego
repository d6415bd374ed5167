package email_test

import data.email

codes(address, settings) := {problem.code |
	some problem in email.violation with input as {"email": address} with data.emails as settings
}

test_nothing_is_refused_without_data if count(email.violation) == 0 with input as {"email": "alice@example.org"}

test_whole_addresses_are_banned if {
	banned := {"banned_addresses": {"literals": ["alice@example.org"], "substrings": ["+spam"], "regexes": ["^[0-9]+@"]}}
	codes("Alice@Example.org", banned) == {"email-banned"}
	codes("bob+spam@example.org", banned) == {"email-banned"}
	codes("123@example.org", banned) == {"email-banned"}
	codes("bob@example.org", banned) == set()
}

test_only_certain_addresses_are_allowed if {
	allowed := {"allowed_addresses": {"suffixes": [".staff@example.org"]}}
	codes("alice@example.org", allowed) == {"email-not-allowed"}
	codes("alice.staff@example.org", allowed) == set()
}

test_domains_are_banned_with_those_below_where_a_star_says_so if {
	banned := {"banned_domains": ["example.org", "*.example.net"]}
	codes("alice@example.org", banned) == {"email-domain-banned"}
	codes("alice@EXAMPLE.org", banned) == {"email-domain-banned"}
	codes("alice@mail.example.org", banned) == set()
	codes("alice@a.b.example.net", banned) == {"email-domain-banned"}
	codes("alice@example.net", banned) == set()
	codes("alice@badexample.net", banned) == set()
	codes("\"a@example.org\"@example.com", banned) == set()
	codes("alice@localhost", banned) == set()
}

test_only_certain_domains_are_allowed if {
	codes("alice@example.org", {"allowed_domains": ["example.com"]}) == {"email-domain-not-allowed"}
	codes("alice@example.com", {"allowed_domains": ["example.com"]}) == set()
	codes("alice@example.com", {"allowed_domains": []}) == {"email-domain-not-allowed"}
}
