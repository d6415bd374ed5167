# Who may sign in to older apps, which speak no OAuth.
package compat_login

settings := data.compat

# Reached by every way in.
violation contains {
	"code": "too-many-devices",
	"msg": "this account has as many devices as it may have",
} if input.device_count >= settings.device_limit.hard_limit

# Reached only where the person can end an old device first.
violation contains {
	"code": "device-limit-reached",
	"msg": "this account has many devices already: sign out of one of them first",
} if {
	input.is_interactive
	input.device_count >= settings.device_limit.soft_limit
}

violation contains {
	"code": "login-type-denied",
	"msg": "older apps cannot sign in in this way here",
} if input.login_type in settings.denied_login_types

violation contains {
	"code": "compat-user-denied",
	"msg": "this account cannot sign in to older apps",
} if input.user.username in settings.denied_users
