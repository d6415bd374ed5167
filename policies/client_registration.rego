# Which clients may register themselves (RFC 7591). `input.hosts` are the hosts in their addresses, as Keymaker reads them.
package client_registration

import data.matching

settings := data.clients

# An app on the person's own machine comes back to that machine.
own_machine := {"localhost", "127.0.0.1", "[::1]"}

violation contains {
	"code": "client-host-denied",
	"field": "client_uri",
	"msg": "clients of this host may not register here",
} if matching.is_host_of(input.hosts.client_uri, settings.denied_hosts)

violation contains {
	"code": "client-host-not-allowed",
	"field": "client_uri",
	"msg": "only clients of certain hosts may register here",
} if {
	hosts := settings.allowed_hosts
	not is_allowed_client(hosts)
}

is_allowed_client(hosts) if matching.is_host_of(input.hosts.client_uri, hosts)

violation contains {
	"code": "redirect-host-denied",
	"field": "redirect_uris",
	"msg": "clients that return to this host may not register here",
} if {
	some host in input.hosts.redirect_uris
	matching.is_host_of(host, settings.denied_hosts)
}

violation contains {
	"code": "redirect-host-not-allowed",
	"field": "redirect_uris",
	"msg": "only clients that return to certain hosts may register here",
} if {
	hosts := settings.allowed_hosts
	some host in input.hosts.redirect_uris
	not host in own_machine
	not matching.is_host_of(host, hosts)
}

violation contains {
	"code": "client-name-denied",
	"field": "client_name",
	"msg": "a client of this name may not register here",
} if matching.matches(input.client_metadata.client_name, settings.denied_names)

violation contains {
	"code": "software-denied",
	"field": "software_id",
	"msg": "this software may not register here",
} if input.client_metadata.software_id in settings.denied_software_ids

violation contains {
	"code": "contacts-required",
	"field": "contacts",
	"msg": "a client has to name somebody who can be reached",
} if {
	settings.require_contacts
	count(object.get(input.client_metadata, "contacts", [])) == 0
}

violation contains problem if some problem in matching.requester_violation
