# Which e-mail addresses may belong to accounts.
package email

import data.matching

domain := regex.replace(lower(input.email), `^.*@`, "")

violation contains {
	"code": "email-banned",
	"field": "email",
	"msg": "this e-mail address cannot be used here",
} if matching.matches(input.email, data.emails.banned_addresses)

violation contains {
	"code": "email-not-allowed",
	"field": "email",
	"msg": "only certain e-mail addresses can be used here",
} if {
	patterns := data.emails.allowed_addresses
	not matching.matches(input.email, patterns)
}

violation contains {
	"code": "email-domain-banned",
	"field": "email",
	"msg": "e-mail addresses of this provider cannot be used here",
} if matching.is_host_of(domain, data.emails.banned_domains)

violation contains {
	"code": "email-domain-not-allowed",
	"field": "email",
	"msg": "only e-mail addresses of certain providers can be used here",
} if {
	domains := data.emails.allowed_domains
	not matching.is_host_of(domain, domains)
}
