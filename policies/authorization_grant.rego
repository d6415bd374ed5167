# Which client may have which scopes, by which grant, and for whom.
package authorization_grant

import data.matching

settings := data.authorization

tokens := split(input.scope, " ")

wants_administration if "urn:synapse:admin:*" in tokens

# With empty data this is all that is refused.
violation contains {
	"code": "admin-not-allowed",
	"field": "scope",
	"msg": "this account may not administer the server",
} if {
	wants_administration
	input.user
	not input.user.is_admin
}

violation contains {
	"code": "admin-client-not-allowed",
	"field": "scope",
	"msg": "this app may not administer the server",
} if {
	wants_administration
	clients := settings.admin_clients
	not input.client.id in clients
}

violation contains {
	"code": "client-denied",
	"msg": "this app cannot be used here",
} if {
	some name in [input.client.id, object.get(input.client, "host", "")]
	name in settings.denied_clients
}

violation contains {
	"code": "user-denied",
	"msg": "this account cannot sign in to apps",
} if input.user.username in settings.denied_users

violation contains {
	"code": "grant-type-denied",
	"msg": "apps cannot sign in in this way here",
} if input.grant_type in settings.denied_grant_types

violation contains {
	"code": "scope-denied",
	"field": "scope",
	"msg": "the app asks for something that nobody can have here",
} if {
	some token in tokens
	matching.is_scope_of(token, settings.denied_scopes)
}

violation contains {
	"code": "client-grant-type-not-allowed",
	"msg": "this app may not sign in in this way",
} if {
	grant_types := settings.clients[input.client.id].grant_types
	not input.grant_type in grant_types
}

violation contains {
	"code": "client-scope-not-allowed",
	"field": "scope",
	"msg": "this app asks for something that it may not have",
} if {
	scopes := settings.clients[input.client.id].scopes
	some token in tokens
	not matching.is_scope_of(token, scopes)
}
