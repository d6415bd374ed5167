# Which accounts may come into being. Length and characters of a name are judged by Keymaker itself.
package register

import data.matching

violation contains {
	"code": "username-reserved",
	"field": "username",
	"msg": "this user name is reserved",
} if matching.matches(input.username, data.registration.reserved_usernames)

violation contains {
	"code": "username-banned",
	"field": "username",
	"msg": "this user name cannot be used here",
} if matching.matches(input.username, data.registration.banned_usernames)

violation contains {
	"code": "username-not-allowed",
	"field": "username",
	"msg": "user names have another form here",
} if {
	patterns := data.registration.allowed_usernames
	not matching.matches(input.username, patterns)
}

violation contains {
	"code": "email-required",
	"field": "email",
	"msg": "an e-mail address is needed here",
} if {
	data.registration.require_email
	not input.email
}

violation contains {
	"code": "registration-method-not-allowed",
	"msg": "accounts are not made in this way here",
} if {
	methods := data.registration.allowed_methods
	not input.method in methods
}

# An address of a new account is an address as any other.
violation contains problem if {
	input.email
	some problem in data.email.violation
}

violation contains problem if some problem in matching.requester_violation
