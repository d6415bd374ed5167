# Everything that a page says, in English. The reader is somebody with a Matrix account who knows nothing of OAuth.

## Every page
title-error = Error:
footer-terms = Terms of use
footer-privacy = Privacy
optional = (optional)

## Clients: the verified address stands above this, the claimed name follows it
client-claims = calls itself
client-app = an app on this device
continue-to = You will continue to
continue-as = Continue as
destination-loopback-name = A program on this device
destination-loopback = the program on this device
destination-app = the app { $scheme } on this device
return-to = Return to { $destination }

## Forms
form-error-busy = Too much is going on just now. Wait a moment, then try again.
form-error-expired = This page had been open for too long. Please send it once more.
username-label = Username
username-hint = Lower-case letters, digits and . _ = - / + are possible. This name cannot be changed later.
username-error-empty = Choose a username.
username-error-invalid = This username has characters that are not possible. Use lower-case letters, digits and . _ = - / +
username-error-too-long = This username is too long.
username-error-reserved = This username is reserved. Choose one that does not begin with _ and is not only digits.
username-error-taken = Somebody else has this username. Choose another.
password-label = Password
password-hint = A few unusual words make a good password. A password manager can make one for you.
password-error-empty = Choose a password.
password-error-too-weak = This password is too easy to guess.
password-error-too-long = This password is too long.
display-name-label = Display name
display-name-hint = What others see in conversations. You can change it at any time.

## Login
login-title = Sign in
login-submit = Sign in
login-no-account = No account yet?
login-register = Create an account
login-or-other-account = or with another account
login-notice-registration-closed = New accounts cannot be created here at present. If you have one, sign in.
login-notice-reauthenticate = Please confirm that it is you: enter your password again.
login-error-wrong-credentials = The username or the password is wrong.
login-error-locked = This account is locked.
login-error-deactivated = This account has been deactivated.
login-error-too-long = The username or the password is longer than any can be.

## Sign-up
register-title = Create an account
register-continue = Continue
register-have-one = You have an account?
register-have-account = You are signed in here already.
register-or-another = or create another account
register-error-unavailable = The Matrix homeserver does not answer just now, so the account cannot be created. Wait a moment, then try again.
register-finish-title = Almost done
register-user-id = Your Matrix ID will be
register-submit = Create account
register-then = You will then continue to { $destination }.
register-restart = Choose another username or password
register-closed-title = No new accounts
register-closed-text = New accounts cannot be created here at present. The people who run this service can tell you more.

## Strength of a password
strength-label = Strength:
strength-very-weak = very weak
strength-weak = weak
strength-fair = fair
strength-good = good
strength-strong = strong
warning-straight-rows = Straight rows of keys are easy to guess.
warning-keyboard-patterns = Short keyboard patterns are easy to guess.
warning-repeats = Repeated characters such as “aaa” are easy to guess.
warning-repeated-groups = A repetition such as “abcabcabc” is hardly harder to guess than “abc”.
warning-top-10 = This is one of the ten most common passwords.
warning-top-100 = This is one of the hundred most common passwords.
warning-common = This is a very common password.
warning-similar-to-common = This is much like a common password.
warning-sequences = Sequences such as “abc” or “6543” are easy to guess.
warning-recent-years = Recent years are easy to guess.
warning-single-word = A word by itself is easy to guess.
warning-dates = Dates are often easy to guess.
warning-single-name = A name by itself is easy to guess.
warning-common-names = Common names are easy to guess.
suggestion-few-words = Use a few words, but not a common phrase.
suggestion-no-symbols-needed = Symbols, digits and capitals are not necessary.
suggestion-add-words = Add another word or two, the less common the better.
suggestion-capitals = Capitals do not help very much.
suggestion-all-uppercase = All capitals are almost as easy to guess as no capitals.
suggestion-reversed = A word backwards is not much harder to guess.
suggestion-substitutions = Expected replacements, such as “@” for “a”, do not help very much.
suggestion-longer-pattern = Use a longer keyboard pattern with more turns.
suggestion-avoid-repeats = Avoid repeated words and characters.
suggestion-avoid-sequences = Avoid sequences.
suggestion-avoid-recent-years = Avoid recent years.
suggestion-avoid-own-years = Avoid years that have to do with you.
suggestion-avoid-own-dates = Avoid dates and years that have to do with you.

## Consent
consent-title = Allow access to your account?
consent-account = Your account
consent-hint = You were expected with another account:
consent-access = This will allow it to
access-matrix-messages = read and send messages as you, in all your rooms
access-matrix-account = see and change your profile, your contacts and your settings
access-openid = know that it is you who signed in
access-profile = see your username and your display name
access-email = see your e-mail address
access-administration-title = Control over the whole homeserver
access-administration = It also asks to manage every account and every room here, not only yours. Allow this only to a tool that you mean to administer the server with.
consent-device = A new device is added to your account:
consent-caution = Allow this only if you have just asked to sign in there yourself.
consent-allow = Allow
consent-deny = Deny
consent-return = Either way, you go back to { $destination }.
consent-not-you = Not you?
consent-switch = Use another account
consent-links = About the application
consent-client-uri = Website:
consent-tos-uri = Its terms of use
consent-policy-uri = Its privacy policy

## SSO of older clients, together with messages of the consent page
sso-lead = This leads you to
sso-access = This signs the application in to your account, as a new device with full access. It can
sso-caution = Anybody can make a link to this page. Allow this only if you have just asked to sign in yourself, and if you trust the place that this leads to.
sso-next = If you allow this, you go on to { $destination }. If you deny it, nothing is shared.

## Logout
logout-title = Sign out?
logout-signed-in-as = You are signed in here as
logout-text = This signs you out in this browser only. Your Matrix apps stay signed in.
logout-submit = Sign out
logout-cancel = Stay signed in
signed-out-title = You are signed out
signed-out-text = Nobody is signed in here in this browser now. Your Matrix apps stay signed in.
signed-out-login = Sign in again

## Account
account-title = Your account
account-greeting = Hello
account-signed-in-as = You are signed in as
account-sessions = Signed-in apps
account-no-sessions = No app is signed in with this account.
account-unnamed-client = Unnamed app
account-older-client = (older app)
account-since = Signed in on
account-last-active = Last active on
moment = { $day } { $month ->
        [1] January
        [2] February
        [3] March
        [4] April
        [5] May
        [6] June
        [7] July
        [8] August
        [9] September
        [10] October
        [11] November
       *[12] December
    } { $year }, { $time } UTC

## Errors: a title, what happened, what to do next
error-not-found-title = There is nothing here
error-not-found-what = No page has this address.
error-method-not-allowed-title = This cannot be done here
error-method-not-allowed-what = This address does not take requests of this kind.
error-form-expired-title = This page is too old
error-form-expired-what = The page had been open for too long, or it was sent from another site. Nothing was changed.
error-unknown-client-title = Unknown application
error-unknown-client-what = An application sent you here that is not registered with this service.
error-redirect-uri-mismatch-title = The way back is not known
error-redirect-uri-mismatch-what = The application wants to send you on to an address that it has not registered. To protect you, this stops here.
error-invalid-request-title = This request cannot be answered
error-invalid-request-what = The application that sent you here asked for something that is not possible.
error-access-denied-title = Access was not allowed
error-access-denied-what = The application does not get access to your account.
error-transaction-expired-title = This sign-in is over
error-transaction-expired-what = It took too long, or it was finished already.
error-other-browser-title = Begun in another browser
error-other-browser-what = This sign-in was begun in another browser, and can only be finished there.
error-locked-title = Account locked
error-deactivated-title = Account deactivated
error-too-large-title = Too much was sent
error-too-large-what = What was sent is larger than this service accepts.
error-too-many-requests-title = Too many attempts
error-too-many-requests-what = There were too many attempts in a short time.
error-unavailable-title = Not possible just now
error-unavailable-what = Something that is needed for this does not answer. Nothing was changed.
error-internal-title = Something went wrong
error-internal-what = The fault is on our side.
error-advice-check-address = Check the address, or go back to your app and start again from there.
error-advice-go-back = Go back, reload the page and try again.
error-advice-do-not-trust = Start again from your app. If this happens again, tell the people who make it, and do not enter your password on a page that it leads you to.
error-advice-tell-developer = Start again from your app. If this happens again, tell the people who make it what stands below.
error-advice-nothing-shared = Nothing was shared. You can close this page.
error-advice-start-again = Go back to your app and sign in again from there.
error-advice-same-browser = Go on in the other browser, or start again from your app in this one. If somebody sent you this link, close this page.
error-advice-ask-administrator = If you think that this is a mistake, ask the people who run this service.
error-advice-shorten = Shorten what you entered and try again.
error-advice-wait = Wait a few minutes, then try again.
error-advice-report = Try again in a moment. If it happens again, give the people who run this service the reference below.
error-detail = For its developers:
error-status = Status
error-support-id = Reference
