package client_registration_test

import data.client_registration

codes(input_document, settings) := {problem.code |
	some problem in client_registration.violation with input as input_document with data.clients as settings
}

app := {
	"client_metadata": {
		"client_name": "Example App",
		"client_uri": "https://app.example.com/",
		"redirect_uris": ["https://app.example.com/callback"],
		"software_id": "7a1c",
	},
	"hosts": {"client_uri": "app.example.com", "redirect_uris": ["app.example.com"]},
	"requester": {"ip": "192.0.2.7"},
}

of_host(host) := object.union(app, {"hosts": {"client_uri": host, "redirect_uris": [host]}})

returning_to(host) := object.union(app, {"hosts": {"redirect_uris": [host]}})

test_nothing_is_refused_without_data if count(client_registration.violation) == 0 with input as app

test_hosts_are_denied if {
	denied := {"denied_hosts": ["*.example.com"]}
	codes(app, denied) == {"client-host-denied", "redirect-host-denied"}
	codes(of_host("example.org"), denied) == set()
	codes(returning_to("example.org"), denied) == {"client-host-denied"}
}

test_only_certain_hosts_are_allowed if {
	allowed := {"allowed_hosts": ["app.example.com"]}
	codes(app, allowed) == set()
	codes(of_host("evil.example"), allowed) == {"client-host-not-allowed", "redirect-host-not-allowed"}
	codes(returning_to("evil.example"), allowed) == {"redirect-host-not-allowed"}
	codes(object.remove(app, ["hosts"]), allowed) == {"client-host-not-allowed"}
}

test_an_app_may_return_to_its_own_machine if {
	allowed := {"allowed_hosts": ["app.example.com"]}
	codes(returning_to("localhost"), allowed) == set()
	codes(returning_to("127.0.0.1"), allowed) == set()
	codes(returning_to("[::1]"), allowed) == set()
}

test_names_are_denied if {
	codes(app, {"denied_names": {"substrings": ["example"]}}) == {"client-name-denied"}
	codes(app, {"denied_names": {"substrings": ["other"]}}) == set()
}

test_software_is_denied if {
	codes(app, {"denied_software_ids": ["7a1c"]}) == {"software-denied"}
	codes(app, {"denied_software_ids": ["7a1d"]}) == set()
}

test_contacts_can_be_required if {
	codes(app, {"require_contacts": true}) == {"contacts-required"}
	reachable := object.union(app, {"client_metadata": {"contacts": ["admin@example.com"]}})
	codes(reachable, {"require_contacts": true}) == set()
	codes(app, {"require_contacts": false}) == set()
}

test_networks_are_banned if {
	problems := client_registration.violation with input as app with data.requester as {"banned_networks": ["192.0.2.0/24"]}
	{problem.code | some problem in problems} == {"requester-banned"}
}
