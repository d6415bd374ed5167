# Whether a login suffices for what it is used for: from where, how it was done, and how long ago.
package login

import data.matching

settings := data.logins

violation contains {
	"code": "network-denied",
	"msg": "nobody can sign in from this network",
} if matching.is_in_networks(input.requester.ip, settings.denied_networks)

violation contains {
	"code": "network-not-allowed",
	"msg": "people sign in from certain networks only, and this is none of them",
} if {
	networks := settings.allowed_networks
	not is_requester_in(networks)
}

# What has no address is nowhere.
is_requester_in(networks) if matching.is_in_networks(input.requester.ip, networks)

require contains object.union({"code": "login-rule"}, object.filter(rule, {"code", "acr", "max_age_hours"})) if {
	some rule in settings.require
	concerns_user(rule)
	concerns_client(rule)
	concerns_scope(rule)
	concerns_place(rule)
	concerns_network(rule)
}

concerns_user(rule) if {
	not rule.users
	not rule.admins
}

concerns_user(rule) if input.user.username in rule.users

concerns_user(rule) if {
	rule.admins
	input.user.is_admin
}

concerns_client(rule) if not rule.clients

concerns_client(rule) if {
	some name in [input.client.id, object.get(input.client, "host", "")]
	name in rule.clients
}

concerns_scope(rule) if not rule.scopes

concerns_scope(rule) if {
	some token in split(input.scope, " ")
	matching.is_scope_of(token, rule.scopes)
}

concerns_place(rule) if not rule.places

concerns_place(rule) if input.place in rule.places

concerns_network(rule) if not rule.outside_trusted_networks

concerns_network(rule) if {
	rule.outside_trusted_networks
	not is_trusted_requester
}

is_trusted_requester if matching.is_in_networks(input.requester.ip, settings.trusted_networks)

# A login that was done in a trusted network is not carried out of it.
require contains {"code": "left-trusted-network", "again": true} if {
	settings.ask_again_outside_trusted_networks
	matching.is_in_networks(input.session.ip, settings.trusted_networks)
	not is_trusted_requester
}
