package password_test

import data.password

codes(input_document, settings) := {problem.code |
	some problem in password.violation with input as input_document with data.passwords as settings
}

chosen := {"username": "alice", "password": "Alice in wonderland", "length": 19, "score": 2}

test_nothing_is_refused_without_data if count(password.violation) == 0 with input as chosen

test_short_passwords_are_refused if {
	codes(chosen, {"min_length": 20}) == {"password-too-short"}
	codes(chosen, {"min_length": 19}) == set()
}

test_passwords_that_are_guessed_are_refused if {
	codes(chosen, {"min_score": 3}) == {"password-too-weak"}
	codes(chosen, {"min_score": 2}) == set()
}

test_passwords_with_a_banned_word_are_refused if {
	codes(chosen, {"banned_words": ["other", "wonderland"]}) == {"password-banned-word"}
	codes(chosen, {"banned_words": ["other"]}) == set()
}

test_passwords_with_the_name_are_refused if {
	codes(chosen, {"forbid_username": true}) == {"password-contains-username"}
	codes(chosen, {"forbid_username": false}) == set()
	codes(object.union(chosen, {"username": "bob"}), {"forbid_username": true}) == set()
	codes(object.union(chosen, {"username": "al"}), {"forbid_username": true}) == set()
	codes(object.remove(chosen, ["username"]), {"forbid_username": true}) == set()
}
