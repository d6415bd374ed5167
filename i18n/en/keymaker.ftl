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
signed-out-at-provider-not = You may still be signed in at { $name }. On a computer that others use, sign out there too.
signed-out-at-provider-submit = Sign out at { $name } too
signed-out-at-provider-too = You were signed out at { $name } too.

## Account
account-title = Your account
account-greeting = Hello
account-signed-in-as = You are signed in as
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

## Getting in: passkeys, codes, and confirming what matters
continue = Continue
save = Save
login-recover = Forgot your password?
error-factor-title = This was not done
passkey-use-submit = Use a passkey
passkey-failed = The passkey was not used. Try again, or choose another way.
passkey-missing = This browser does not know passkeys.
passkey-no-script = Passkeys need JavaScript, which is switched off in this browser.
passkey-name-label = Name
passkey-name-hint = So that you can tell it from others: “Laptop”, or “Blue key”.
passkey-add-title = Add a passkey
passkey-add-text = A passkey signs you in with your fingerprint, your face or the code of your device, without a password. It cannot be guessed, and it works on this site only.
passkey-add-submit = Make a passkey
passkey-add-done = The passkey was added.
factor-title = One more step
factor-lead = You are signing in as
factor-submit = Continue
factor-restart = Start again
factor-use-totp = Use a code of your authenticator app
factor-use-recovery = Use a recovery code
factor-error-over = This took too long, or was done already. Try again.
factor-error-passkey-refused = This passkey was not accepted.
factor-error-passkey-known = This passkey has been added already.
factor-error-passkey-copied = This passkey may have been copied, so it was not accepted. Sign in another way, and remove it if it is no longer yours alone.
factor-error-too-many-passkeys = You have as many passkeys as there can be. Remove one first.
factor-error-totp-known = An authenticator app is set up already.
factor-error-wrong-code = This code is wrong, or it was used already.
factor-error-too-many-wrong-codes = There were too many wrong codes. Wait for a quarter of an hour, or use a passkey.
factor-error-last-way-in = This is the last way in to your account. Add another one first.
factor-error-no-second = There is no second factor on this account.
factor-error-proof-needed = Too much time has passed. Please confirm again that it is you.
totp-title = Set up an authenticator app
totp-scan = Scan this picture with your authenticator app.
totp-picture = QR code for your authenticator app
totp-type = Or type this key into the app:
totp-here = Open the app on this device
totp-code-label = Code of your authenticator app
totp-code-hint = Six digits. They change every thirty seconds.
totp-submit = Finish
totp-done = The app is set up. From now on you need a code of it to sign in.
recovery-code-label = Recovery code
recovery-code-hint = One of the codes that you were given to keep. Each works once.
recovery-codes-title = Your recovery codes
recovery-codes-text = When you have lost your phone or your passkey, one of these codes and your password let you in. Each works once.
recovery-codes-once = They are shown this once. Print them or keep them where you keep your passwords.
recovery-codes-download = Download the codes
confirm-lead = To go on, show that it is you.
confirm-error-wrong-password = This password is wrong.
confirm-impossible = There is no password and no passkey on this account with which you could confirm this.
account-back = Back to my account
security-title = Signing in
security-added = Added on
security-used = last used on
security-password = Password
security-password-set = You have a password.
security-password-none = You have no password: you sign in with a passkey.
security-password-change = Change the password
security-password-remove = Remove the password
security-password-add = Choose a password
security-passkeys = Passkeys
security-passkeys-text = With a passkey you sign in by fingerprint, face or the code of your device.
security-passkey-add = Add a passkey
security-passkey-rename = Rename
security-passkey-remove = Remove
security-passkeys-unavailable = Passkeys are not possible at this address.
security-passkey-alone = You have one passkey, and it is on one device only. Add another one or choose a password, so that losing the device does not cost you the account.
security-totp = Authenticator app
security-totp-set = An app on your phone shows the codes that you sign in with.
security-totp-none = An app on your phone can show codes that you need beside your password.
security-totp-add = Set up an app
security-totp-remove = Remove the app
security-recovery = Recovery codes
security-recovery-left = { $count ->
    [0] You have no recovery codes. They let you in when your phone or your passkey is lost.
    [one] You have one recovery code left.
   *[other] You have { $count } recovery codes left.
}
security-recovery-make = Make new codes
security-second = Second factor
security-second-required = Your password alone does not sign in: a passkey or a code is needed as well. Older apps that know passwords only sign in through the browser.
security-second-not-required = Your password alone is enough to sign in.
security-second-require = Always ask for a second factor
security-second-allow = Let the password alone be enough
act-change-password-title = Change the password
act-change-password-text = You will choose a new password. Other browsers that are signed in are signed out.
act-change-password-done = The password was changed.
act-remove-password-title = Remove the password
act-remove-password-text = From then on only a passkey signs you in. Apps that know passwords only sign in through the browser.
act-remove-password-done = The password was removed.
act-remove-passkey-title = Remove the passkey
act-remove-passkey-text = It will no longer sign you in here. You can delete it from your device as well.
act-remove-passkey-done = The passkey was removed.
act-add-totp-text = An authenticator app on your phone shows a code that changes every thirty seconds. You will need it beside your password.
act-remove-totp-title = Remove the authenticator app
act-remove-totp-text = Its codes will no longer be accepted. If you have no passkey either, your password alone will be enough to sign in.
act-remove-totp-done = The app was removed.
act-make-recovery-codes-title = Make recovery codes
act-make-recovery-codes-text = You will be shown ten new codes, once. Older ones stop working.
act-require-second-factor-title = Always ask for a second factor
act-require-second-factor-text = Your password alone will no longer sign in, neither here nor in older apps: those then sign in through the browser.
act-require-second-factor-done = A second factor is asked for from now on.
act-allow-password-alone-title = Let the password alone be enough
act-allow-password-alone-text = Whoever knows your password can then sign in.
act-allow-password-alone-done = The password alone is enough from now on.
act-add-email-title = Add an e-mail address
act-add-email-text = We will send a code there, to see that it is yours.
act-add-email-done = The address was added.
act-remove-email-title = Remove the e-mail address
act-remove-email-text = You will no longer get mail there, and cannot sign in or recover your account with it.
act-remove-email-done = The address was removed.
act-end-session-title = Sign out
act-end-session-text = It is signed out there at once. A Matrix app loses its encryption keys with that: messages that only this device could read can no longer be read.
act-end-session-done = It was signed out.
act-end-other-sessions-title = Sign out everywhere else
act-end-other-sessions-text = Every app and every other browser is signed out. Encryption keys that are only there are lost.
act-end-other-sessions-done = Everything else was signed out.
act-deactivate-title = Deactivate the account
act-deactivate-text = You are signed out everywhere, and nobody can sign in to this account any more. Your name stays taken. You cannot undo this.
act-reset-cross-signing-title = Reset your digital identity
act-reset-cross-signing-text = An app wants to replace the keys by which others know that it is you. Others have to verify you again, and encrypted history may be lost. Do this only if you started it yourself and have lost your recovery key and all other devices.
act-reset-cross-signing-done = You can go back to your app: for ten minutes it may set up a new identity.

## Policies: what the rules of this service do not allow, and what they ask for
policy-refused-title = Not allowed here
policy-refused-client = This application asked for it:
policy-refused-help = These are rules of this service, not of your app. If you think that this is a mistake, ask the people who run it, and tell them the name of the rule below.
policy-refused-rule = Rule:
policy-refused-devices = Sign out of devices that you do not use any more, then come back to this page and load it again.
policy-refused-devices-open = See my devices
policy-refused-return = Return to the app
policy-switch = Use another account
policy-login-notice-mfa = This needs more than your password: sign in again with your second factor.
policy-login-notice-phr = This needs a passkey: sign in again with it.
policy-lacking-title = One thing is missing
policy-lacking-mfa = For what you want to do, your account needs a second factor: a passkey, or an app that shows codes. You have none yet.
policy-lacking-phr = For what you want to do, your account needs a passkey. You have none yet.
policy-lacking-how = It takes a minute to set up. Then you sign in again with it.
policy-lacking-then = Afterwards, go back to your app and sign in from there.
policy-lacking-open = Set it up
policy-lacking-notice-mfa = Your account needs a second factor here: add a passkey, or set up an authenticator app. Everything else opens when you have signed in with it.
policy-lacking-notice-phr = Your account needs a passkey here. Add one; everything else opens when you have signed in with it.
policy-rule-username-reserved = This user name is reserved. Choose another one.
policy-rule-username-banned = This user name cannot be used here. Choose another one.
policy-rule-username-not-allowed = User names have another form here. Ask the people who run this service which.
policy-rule-email-required = An account here needs an e-mail address.
policy-rule-registration-method-not-allowed = Accounts are not created in this way here.
policy-rule-requester-banned = Nothing can be created from the network that you are in.
policy-rule-user-agent-banned = Nothing can be created with this browser or program.
policy-rule-email-banned = This e-mail address cannot be used here. Use another one.
policy-rule-email-not-allowed = Only certain e-mail addresses can be used here, and this is none of them.
policy-rule-email-domain-banned = E-mail addresses of this provider cannot be used here. Use another one.
policy-rule-email-domain-not-allowed = Only e-mail addresses of certain providers can be used here, and this is none of them.
policy-rule-password-too-short = This password is shorter than the rules of this service allow. Make it longer.
policy-rule-password-too-weak = This password is easier to guess than the rules of this service allow. Make it longer, or less usual.
policy-rule-password-banned-word = This password has a word in it that others would try. Choose another one.
policy-rule-password-contains-username = This password has your user name in it. Choose another one.
policy-rule-client-host-denied = Apps of this site cannot be used here.
policy-rule-client-host-not-allowed = Only apps of certain sites can be used here.
policy-rule-redirect-host-denied = Apps that return to this site cannot be used here.
policy-rule-redirect-host-not-allowed = Only apps that return to certain sites can be used here.
policy-rule-client-name-denied = An app of this name cannot be used here.
policy-rule-software-denied = This software cannot be used here.
policy-rule-contacts-required = An app has to name somebody who can be reached.
policy-rule-admin-not-allowed = The app asks for control over the whole homeserver, and your account is no administrator’s.
policy-rule-admin-client-not-allowed = The app asks for control over the whole homeserver, which it may not have here.
policy-rule-client-denied = This app cannot be used here.
policy-rule-user-denied = Your account cannot sign in to apps.
policy-rule-grant-type-denied = Apps cannot sign in in this way here.
policy-rule-scope-denied = The app asks for something that nobody can have here.
policy-rule-client-grant-type-not-allowed = This app may not sign in in this way.
policy-rule-client-scope-not-allowed = This app asks for something that it may not have.
policy-rule-too-many-devices = Your account is signed in on as many devices as it may have.
policy-rule-device-limit-reached = Your account is signed in on many devices already. Sign out of one of them first.
policy-rule-login-type-denied = Older apps cannot sign in in this way here.
policy-rule-compat-user-denied = Your account cannot sign in to older apps.
policy-rule-network-denied = Nobody can sign in from the network that you are in.
policy-rule-network-not-allowed = People sign in here from certain networks only, and you are in none of them.

## Events: what happened on an account, on its page and in mails
event-registered = The account was created
event-signed-in = Signed in with a browser
event-new-browser-signed-in = Signed in with a new browser
event-app-signed-in = An app signed in again on its device
event-new-app-signed-in = An app signed in to your account
event-device-linked = A device was signed in with a code that you confirmed
event-wrong-second-factor = A password was right, but the second factor was wrong
event-session-ended = A session was ended
event-sessions-ended = Sessions were ended everywhere
event-refresh-token-replayed = An app was signed out because its access was used twice
event-login-replayed = An app was signed out because its sign-in was used twice
event-password-changed = The password was changed
event-password-removed = The password was removed
event-passkey-added = A passkey was added
event-passkey-removed = A passkey was removed
event-passkey-counter-regressed = A passkey may have been copied
event-totp-added = An authenticator app was added
event-totp-removed = The authenticator app was removed
event-recovery-codes-made = New recovery codes were made
event-recovery-code-used = A recovery code was used
event-second-factor-required = Signing in now takes a second factor
event-second-factor-no-longer-required = Signing in no longer takes a second factor
event-email-added = An e-mail address was added
event-email-removed = An e-mail address was removed
event-recovered-by-email = The account was recovered by e-mail
event-cross-signing-reset = A reset of the cryptographic identity was allowed
event-signed-out-at-provider = Signed out at a provider, and here with it
event-locked = The account was locked
event-unlocked = The account was unlocked
event-deactivated = The account was deactivated
event-reactivated = The account was activated again
event-subject-app = App
event-subject-passkey = Passkey
event-subject-email = E-mail address
event-subject-provider = Provider
event-program-on-system = { $program } on { $system }
event-program-unknown = An unknown program
event-program-unknown-on-system = A program on { $system }
event-administration = The administration of this service
events-title = What happened on your account
events-lead = If something here was not you, change your password and sign out of whatever you do not know.
events-none = Nothing has been written down so far.
events-none-older = There is nothing older.
events-older = Older
events-newest = Back to the newest

## Mails
mail-fact = { $name }: { $fact }
mail-subject = { $service }: { $heading }
mail-why = This address was entered at { $service }, or belongs to an account there.
mail-verification-heading = Confirm your e-mail address
mail-verification-lead = Enter this code on the page that asked for it:
mail-verification-good = It is good once, for { $minutes } minutes.
mail-verification-not-you = If you did not ask for it, you need not do anything. Do not give it to anybody.
mail-taken-heading = You have an account already
mail-taken-lead = Somebody wanted to use this e-mail address at { $service }. It belongs to an account there already, so nothing was changed.
mail-taken-you = If that was you, sign in to the account that you have. The sign-in page helps if you forgot the password.
mail-taken-not-you = If it was not you, you need not do anything.
mail-taken-link = Sign in
mail-recovery-heading = Get back into your account
mail-recovery-lead = Somebody asked for a way into your account at { $service } after a forgotten password. This link leads there:
mail-recovery-link = Get back into the account
mail-recovery-good = It is good once, for { $minutes } minutes.
mail-recovery-not-you = If you did not ask for it, you need not do anything: without the link nothing changes. Do not give it to anybody.
mail-notice-account = Account
mail-notice-when = When
mail-notice-where = From where
mail-notice-ip = IP address
mail-notice-you = If this was you, you need not do anything.
mail-notice-not-you = If it was not you, open your account, change the password, and sign out of whatever you do not know.
mail-notice-factor = Whoever that was knows your password. If it was not you, open your account and change the password.
mail-notice-replayed = Something was used by two that only one app should have: it may have been stolen. The app was signed out, so sign in to it again. If you sign in anew and this comes back, ask those who make the app.
mail-notice-copied = Its counter went backwards, as that of a copy would. Remove this passkey in your account unless you know why.
mail-notice-deactivated = If this was not meant to happen, ask those who run { $service }.
mail-notice-link = Open your account

## My account: its home, the profile, devices and apps, resetting the identity, deactivation
account-menu-profile = What others see of you
account-menu-emails-title = E-mail addresses
account-menu-emails = Where we reach you, and how you get back in
account-menu-security = Password, passkeys, second factor
account-menu-devices = Where you are signed in
account-menu-apps = Websites that know who you are
account-menu-events-title = What happened
account-menu-events = Sign-ins and changes
account-error-unavailable = The Matrix homeserver does not answer just now, so nothing was changed. Wait a moment, then try again.
profile-title = Profile
profile-user-id = Your Matrix ID
profile-name-hint = What others see in conversations. Without one they see your username.
profile-uncertain = The Matrix homeserver does not answer just now: this is the name that was last known here.
profile-picture = Your picture is changed in your Matrix app.
profile-done = The profile was changed.
devices-title = Devices
devices-lead = Everything that is signed in to your account: browsers, and Matrix apps with their devices. Sign out whatever you do not know.
devices-only-here = No other browser and no Matrix app is signed in.
devices-more = More
devices-first = Back to the first page
devices-everywhere = This signs out every app and every browser but this one. To sign out everywhere, sign out here afterwards.
device-current = This browser
device-current-text = This is the browser that you are using now.
device-browser = A browser
device-sort = What it is
device-sort-browser = A browser, signed in to this account page
device-sort-app = A Matrix app
device-sort-older-app = A Matrix app that signs in the older way
device-sort-website = A website or an app that knows who you are
device-host = Where it is from
device-id = Device ID
device-program = Seen as
device-authentication = Signed in with
device-by-password = A password
device-by-password-and-code = A password and a code
device-by-passkey = A passkey
device-ip = Last IP address
device-may = What it may do
device-administration = manage every account and every room of the homeserver
device-rename = Rename the device
device-name-label = Name of the device
device-name-hint = Everybody who shares a room with you can see it.
device-renamed = The device was renamed.
device-error-name-missing = Enter a name.
device-end = Sign out
device-end-text = That browser is signed out at once. Your Matrix apps stay signed in.
device-all = All devices
device-none-title = No such device
device-none-text = No device with this ID is signed in to your account here. It may have been signed out already.
device-none-others = A device that is still in the list of your Matrix app and not here belongs to a bridge or to the homeserver itself. The people who run this service can tell you more.
apps-title = Apps
apps-lead = Websites and apps that you signed in to with this account. They know who you are, and cannot read your messages.
apps-none = There are none.
apps-none-more = There are no more.
app-end = Remove access
app-end-text = It no longer learns anything about you from here. It may keep what it knows already, and its own sign-in.
app-all = All apps
reset-failed-title = Nothing was allowed
reset-unavailable-text = The Matrix homeserver does not answer just now, so your digital identity stays as it is. Wait a moment, then confirm again.
reset-too-often-text = This was allowed three times within the last hour, and that is as often as it can be. Your app can use what was allowed for ten minutes; after that, come back in an hour.
reset-again = Try again
deactivate-erase = Erase my messages as far as possible
deactivate-erase-hint = People who join your rooms later will not see them. Copies on other servers and devices may stay.
deactivate-type = To confirm, type your username:
deactivate-error-name = This is not your username.
deactivate-submit = Deactivate for good
deactivated-title = Your account is deactivated
deactivated-text = You are signed out everywhere, and nobody can sign in to this account any more.
deactivated-close = You can close this page.

## E-mail addresses, new passwords, and the way back in by mail
emails-title = E-mail addresses
emails-lead = They let you back in when you have forgotten your password, and we write there when something happens on your account that may not have been you.
emails-none = You have none so far.
emails-unconfirmed = Not confirmed: nobody has shown that it is yours. Add it again to confirm it.
emails-remove = Remove
emails-back = Back to my addresses
email-unavailable = This service sends no mail, so addresses cannot be added here.
email-label = E-mail address
email-send = Send a code
email-error-invalid = This is not an e-mail address. It looks like name@example.com.
email-error-known = This address is on your account already.
email-error-taken = This address belongs to another account. Choose another one.
email-error-too-many = You have as many addresses as there can be. Remove one first.
email-error-wait = { $minutes ->
    [one] A code was sent a moment ago. Another one can be sent in a minute.
   *[other] Too many codes were sent. Another one can be sent in { $minutes } minutes.
}
email-error-wrong-code = This code is wrong.
email-error-code-over = No code is waited for any more: it took too long, or there were too many wrong ones. Ask for a new one.
email-error-unconfirmed = Confirm an e-mail address first.
email-code-title = Check your mail
email-code-lead = We sent a mail to
email-code-label = Code from the mail
email-code-hint = Six digits. They are good for ten minutes, in this browser.
email-code-nothing = no mail yet?
email-code-again = Send a new code
password-title = Choose a new password
password-new-label = New password
password-submit = Set the password
password-end-apps = Sign out of my apps too
password-end-apps-hint = Do this if somebody else may know your password. Each app then has to sign in again, and loses the keys of your encrypted messages if they are nowhere else.
password-error-too-short = This password is too short. Use at least eight characters.
recover-title = Forgot your password?
recover-lead = Enter an e-mail address of your account. We send a link there with which you choose a new password.
recover-submit = Send a link
recover-login = Back to sign in
recover-sent-title = Check your mail
recover-sent-text = If an account has this address, a link is on its way there. It is good for half an hour.
recover-sent-nothing = If nothing comes, look among the unwanted mail, or try another address of yours.
recover-account = Your account
recover-then = Every browser is signed out then, and you sign in with the new password. Your apps stay signed in.
recover-over-title = This link is no longer good
recover-over-text = It was used already, it is more than half an hour old, or something has changed since. You can ask for a new one.
recover-again = Ask for a new link
recover-done-title = Your new password is set
recover-done-text = You can sign in with it now.
recover-done-sessions = Whoever was signed in with your account in a browser has been signed out. Your apps are still signed in: look through them, if somebody else may have known your password.
recover-impossible-title = Not possible here
recover-impossible-text = This service cannot give you a new password by mail. The people who run it can help.
register-email-title = Your e-mail address
register-email-text = An account here needs one. We send a code there, to see that it is yours.
register-email-other = Use another address
register-terms = I agree to the terms of use
register-terms-read = Read the terms of use (in a new tab)
register-error-terms = To create an account, agree to the terms of use.

## CAPTCHA
captcha-working = A short check runs in your browser, to keep programs out. Just go on.
captcha-waiting = A moment: this is sent as soon as the check is done.
captcha-done = The check is done.
captcha-progress = How far the check is
captcha-no-script = This one check needs JavaScript. Switch it on for this page, or ask the people who run this service.
captcha-not-loaded = The check of { $service } could not be loaded. See whether something blocks it, then load this page again.
captcha-error-needed = One more check is needed here. Pass it, then send the form again.
captcha-error-failed = The check was not passed, or it took too long. Please try once more.
captcha-error-unavailable = The check that keeps programs out does not work just now. Wait a moment, then try again.
signup-token-label = Registration token
signup-token-hint = You need an invitation here. The people who run this service give you one.
signup-token-missing = Enter your registration token.
signup-token-refused = This registration token does not work: it may be mistyped, expired or used up. Ask whoever gave it to you for another.
signup-approval-hint = Every new account here is looked at by the people who run this service before it can be used.
signup-ask = Ask for this account
signup-waiting-title = Waiting for approval
signup-waiting-lead = Your account was created, and waits for the people who run this service to approve it.
signup-waiting-user-id = Your Matrix ID
signup-waiting-mail = We write to { $email } when they have decided.
signup-waiting-no-mail = Come back later and try to sign in: it works as soon as they have approved it.
signup-waiting-then = When it is approved, begin again at { $destination } and sign in.
signup-login-waiting = This account waits for the people who run this service to approve it.
event-approval-required = The account waited for approval
event-approved = The account was approved
mail-approval-heading = An account waits for approval
mail-approval-how = Somebody signed up. One of these commands answers, where the service runs:
mail-approval-approve = Approve
mail-approval-reject = Reject
mail-approved-heading = Your account was approved
mail-approved-lead = The people who run { $service } have approved your account. You can sign in now.
mail-approved-link = Sign in
mail-rejected-heading = Your account was not approved
mail-rejected-lead = The people who run { $service } have decided not to approve the account that you asked for. It is deleted.
mail-rejected-reason = They say: { $reason }
mail-rejected-again = If you think that this is a mistake, ask them.

## What was done too often
limits-wait-seconds = { $seconds ->
    [one] There were too many attempts. Try again in a second.
   *[other] There were too many attempts. Try again in { $seconds } seconds.
}
limits-wait-minutes = There were too many attempts. Try again in { $minutes } minutes.

# Letting a device in from another one
link-title = Sign in another device
link-lead = Type the code that the other device shows.
link-code-label = Code
link-code-hint = Capitals, spaces and dashes make no difference.
link-submit = Continue
link-caution = Did somebody send you a code or this link? Then stop here: whoever asks you to type a code wants to get into your account.
link-error-unknown = No device waits with this code. Look at the other device again; if it is the same, begin anew there to get a fresh code.
link-error-not-in-hand = Tick the box if that is true. If it is not, do not sign in the device.
link-security = Sign-in and security
link-question-title = Sign in this other device?
link-question-compare = Does the other device show exactly this code?
link-asks = What asks
link-claims = It calls itself
link-nameless = nothing
link-from = From where
link-near = the same address as yours
link-far = not the address at which you are
link-when = When
link-access = It will be signed in to your account, and can then
link-warning-title = Nobody else needs this from you.
link-warning = If a caller, a message, a mail or a website led you here, somebody is trying to read your messages. Do not sign the device in. Nobody who runs this service asks for it.
link-in-hand = I started this myself, and I have that device here with me
link-deny = Do not sign it in
link-allow = Sign in the other device
link-allowed-title = The other device is being signed in
link-allowed-text = It goes on there in a few seconds. You can close this page.
link-denied-title = The device was not signed in
link-denied-text = Nothing was shared with it. If somebody else led you here, nothing more is needed. If you think that they know your password, change it.
