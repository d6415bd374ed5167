# Which passwords may be chosen. What is short or guessed at once is refused by Keymaker itself.
package password

import data.matching

settings := data.passwords

violation contains {
	"code": "password-too-short",
	"field": "password",
	"msg": "the password is too short",
} if input.length < settings.min_length

violation contains {
	"code": "password-too-weak",
	"field": "password",
	"msg": "the password is too easy to guess",
} if input.score < settings.min_score

violation contains {
	"code": "password-banned-word",
	"field": "password",
	"msg": "the password has a word in it that others would try",
} if matching.holds(input.password, settings.banned_words)

# A name of two letters is in many good passwords.
violation contains {
	"code": "password-contains-username",
	"field": "password",
	"msg": "the password has the user name in it",
} if {
	settings.forbid_username
	count(input.username) > 2
	contains(lower(input.password), lower(input.username))
}
