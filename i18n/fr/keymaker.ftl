# Tout ce que disent les pages, en français. On vouvoie ; les espaces insécables précèdent : ; ? !

## Every page
title-error = Erreur :
footer-terms = Conditions d’utilisation
footer-privacy = Confidentialité
optional = (facultatif)

## Clients: the verified address stands above this, the claimed name follows it
client-claims = se présente comme
client-app = une application sur cet appareil
continue-to = Vous continuerez ensuite vers
continue-as = Continuer en tant que
destination-loopback-name = Un programme sur cet appareil
destination-loopback = le programme sur cet appareil
destination-app = l’application { $scheme } sur cet appareil
return-to = Retourner vers { $destination }

## Forms
form-error-busy = Le service est très sollicité en ce moment. Patientez un instant, puis réessayez.
form-error-expired = Cette page était restée ouverte trop longtemps. Veuillez l’envoyer à nouveau.
username-label = Nom d’utilisateur
username-hint = Lettres minuscules sans accent, chiffres et . _ = - / + sont possibles. Ce nom ne pourra plus être changé.
username-error-empty = Choisissez un nom d’utilisateur.
username-error-invalid = Ce nom d’utilisateur contient des caractères impossibles. Utilisez des lettres minuscules sans accent, des chiffres et . _ = - / +
username-error-too-long = Ce nom d’utilisateur est trop long.
username-error-reserved = Ce nom d’utilisateur est réservé. Choisissez-en un qui ne commence pas par _ et qui n’ait pas que des chiffres.
username-error-taken = Ce nom d’utilisateur est déjà pris. Choisissez-en un autre.
password-label = Mot de passe
password-hint = Quelques mots inhabituels font un bon mot de passe. Un gestionnaire de mots de passe peut en créer un pour vous.
password-error-empty = Choisissez un mot de passe.
password-error-too-weak = Ce mot de passe est trop facile à deviner.
password-error-too-long = Ce mot de passe est trop long.
display-name-label = Nom affiché
display-name-hint = Ce que les autres voient dans les conversations. Vous pourrez le changer à tout moment.

## Login
login-title = Se connecter
login-submit = Se connecter
login-no-account = Pas encore de compte ?
login-register = Créer un compte
login-or-other-account = ou avec un autre compte
login-notice-registration-closed = Il n’est pas possible de créer un compte ici actuellement. Si vous en avez un, connectez-vous.
login-notice-reauthenticate = Confirmez que c’est bien vous : saisissez à nouveau votre mot de passe.
login-error-wrong-credentials = Le nom d’utilisateur ou le mot de passe est incorrect.
login-error-locked = Ce compte est verrouillé.
login-error-deactivated = Ce compte a été désactivé.
login-error-too-long = Le nom d’utilisateur ou le mot de passe dépasse toute longueur possible.

## Sign-up
register-title = Créer un compte
register-continue = Continuer
register-have-one = Vous avez un compte ?
register-have-account = Une session est déjà ouverte ici.
register-or-another = ou créez un autre compte
register-error-unavailable = Le serveur Matrix ne répond pas en ce moment : le compte ne peut pas être créé. Patientez un instant, puis réessayez.
register-finish-title = Presque terminé
register-user-id = Votre identifiant Matrix sera
register-submit = Créer le compte
register-then = Vous continuerez ensuite vers { $destination }.
register-restart = Choisir un autre nom ou un autre mot de passe
register-closed-title = Pas de nouveaux comptes
register-closed-text = Il n’est pas possible de créer un compte ici actuellement. Les responsables de ce service pourront vous en dire plus.

## Strength of a password
strength-label = Robustesse :
strength-very-weak = très faible
strength-weak = faible
strength-fair = moyenne
strength-good = bonne
strength-strong = excellente
warning-straight-rows = Les touches qui se suivent sur le clavier sont faciles à deviner.
warning-keyboard-patterns = Les petits motifs sur le clavier sont faciles à deviner.
warning-repeats = Les caractères répétés comme « aaa » sont faciles à deviner.
warning-repeated-groups = Une répétition comme « abcabcabc » n’est guère plus difficile à deviner que « abc ».
warning-top-10 = C’est l’un des dix mots de passe les plus courants.
warning-top-100 = C’est l’un des cent mots de passe les plus courants.
warning-common = C’est un mot de passe très courant.
warning-similar-to-common = Ce mot de passe ressemble beaucoup à un mot de passe courant.
warning-sequences = Les suites comme « abc » ou « 6543 » sont faciles à deviner.
warning-recent-years = Les années récentes sont faciles à deviner.
warning-single-word = Un mot seul est facile à deviner.
warning-dates = Les dates sont souvent faciles à deviner.
warning-single-name = Un nom seul est facile à deviner.
warning-common-names = Les noms courants sont faciles à deviner.
suggestion-few-words = Utilisez quelques mots, mais pas une expression courante.
suggestion-no-symbols-needed = Symboles, chiffres et majuscules ne sont pas nécessaires.
suggestion-add-words = Ajoutez un mot ou deux, de préférence peu courants.
suggestion-capitals = Les majuscules n’aident pas beaucoup.
suggestion-all-uppercase = Tout en majuscules est presque aussi facile à deviner que tout en minuscules.
suggestion-reversed = Un mot à l’envers n’est guère plus difficile à deviner.
suggestion-substitutions = Les remplacements prévisibles, comme « @ » pour « a », n’aident pas beaucoup.
suggestion-longer-pattern = Utilisez un motif de clavier plus long, avec plus de détours.
suggestion-avoid-repeats = Évitez les mots et les caractères répétés.
suggestion-avoid-sequences = Évitez les suites.
suggestion-avoid-recent-years = Évitez les années récentes.
suggestion-avoid-own-years = Évitez les années qui ont un rapport avec vous.
suggestion-avoid-own-dates = Évitez les dates et les années qui ont un rapport avec vous.

## Consent
consent-title = Autoriser l’accès à votre compte ?
consent-account = Votre compte
consent-hint = Un autre compte était attendu :
consent-access = Il lui sera permis de
access-matrix-messages = lire et envoyer des messages en votre nom, dans tous vos salons
access-matrix-account = voir et modifier votre profil, vos contacts et vos réglages
access-openid = savoir que c’est bien vous
access-profile = voir votre nom d’utilisateur et votre nom affiché
access-email = voir votre adresse e-mail
access-administration-title = Le contrôle de tout le serveur
access-administration = Il est aussi demandé de gérer tous les comptes et tous les salons de ce serveur, et pas seulement les vôtres. N’autorisez cela qu’à un outil avec lequel vous voulez administrer le serveur.
consent-device = Un nouvel appareil est ajouté à votre compte :
consent-caution = N’autorisez cet accès que si vous venez vous-même de demander à vous y connecter.
consent-allow = Autoriser
consent-deny = Refuser
consent-return = Dans les deux cas, vous retournerez vers { $destination }.
consent-not-you = Ce n’est pas vous ?
consent-switch = Utiliser un autre compte
consent-links = À propos de l’application
consent-client-uri = Site web :
consent-tos-uri = Ses conditions d’utilisation
consent-policy-uri = Sa politique de confidentialité

## SSO of older clients, together with messages of the consent page
sso-lead = Cela vous mène vers
sso-access = L’application sera connectée à votre compte, en tant que nouvel appareil, avec un accès complet. Elle pourra
sso-caution = N’importe qui peut créer un lien vers cette page. N’autorisez cet accès que si vous venez vous-même de demander à vous connecter, et si vous avez confiance en l’endroit où cela mène.
sso-next = Si vous autorisez cet accès, vous continuez vers { $destination }. Si vous refusez, rien n’est partagé.

## Logout
logout-title = Se déconnecter ?
logout-signed-in-as = Vous utilisez ici le compte
logout-text = Cela ne vous déconnecte que dans ce navigateur. Vos applications Matrix restent connectées.
logout-submit = Se déconnecter
logout-cancel = Garder la session ouverte
signed-out-title = Vous avez quitté la session
signed-out-text = Plus personne n’est connecté ici dans ce navigateur. Vos applications Matrix restent connectées.
signed-out-login = Se connecter à nouveau
signed-out-at-provider-not = Vous êtes peut-être encore connecté chez { $name }. Sur un ordinateur partagé, déconnectez-vous là aussi.
signed-out-at-provider-submit = Se déconnecter aussi chez { $name }
signed-out-at-provider-too = Vous êtes aussi déconnecté chez { $name }.

## Account
account-title = Votre compte
account-greeting = Bonjour
account-signed-in-as = Vous utilisez le compte
account-unnamed-client = Application sans nom
account-older-client = (ancienne application)
account-since = Connexion le
account-last-active = Dernière activité le
moment = { $day ->
        [1] 1er
       *[other] { $day }
    } { $month ->
        [1] janvier
        [2] février
        [3] mars
        [4] avril
        [5] mai
        [6] juin
        [7] juillet
        [8] août
        [9] septembre
        [10] octobre
        [11] novembre
       *[12] décembre
    } { $year }, { $time } UTC

## Errors: a title, what happened, what to do next
error-not-found-title = Il n’y a rien ici
error-not-found-what = Aucune page ne se trouve à cette adresse.
error-method-not-allowed-title = Impossible ici
error-method-not-allowed-what = Cette adresse n’accepte pas les requêtes de ce genre.
error-form-expired-title = Cette page est trop ancienne
error-form-expired-what = La page était restée ouverte trop longtemps, ou elle a été envoyée depuis un autre site. Rien n’a été changé.
error-unknown-client-title = Application inconnue
error-unknown-client-what = L’application qui vous a envoyé ici n’est pas enregistrée auprès de ce service.
error-redirect-uri-mismatch-title = Le chemin du retour est inconnu
error-redirect-uri-mismatch-what = L’application veut vous renvoyer vers une adresse qu’elle n’a pas enregistrée. Pour votre protection, tout s’arrête ici.
error-invalid-request-title = Cette demande ne peut pas aboutir
error-invalid-request-what = L’application qui vous a envoyé ici a demandé quelque chose d’impossible.
error-access-denied-title = Accès non autorisé
error-access-denied-what = L’application n’obtient pas l’accès à votre compte.
error-transaction-expired-title = Cette connexion est terminée
error-transaction-expired-what = Elle a pris trop de temps, ou elle avait déjà abouti.
error-other-browser-title = Commencé dans un autre navigateur
error-other-browser-what = Cette connexion a été commencée dans un autre navigateur et ne peut aboutir que là.
error-locked-title = Compte verrouillé
error-deactivated-title = Compte désactivé
error-too-large-title = Envoi trop volumineux
error-too-large-what = Ce qui a été envoyé dépasse ce que ce service accepte.
error-too-many-requests-title = Trop de tentatives
error-too-many-requests-what = Il y a eu trop de tentatives en peu de temps.
error-unavailable-title = Impossible pour l’instant
error-unavailable-what = Un élément nécessaire ne répond pas. Rien n’a été changé.
error-internal-title = Une erreur est survenue
error-internal-what = La faute est de notre côté.
error-advice-check-address = Vérifiez l’adresse, ou recommencez depuis votre application.
error-advice-go-back = Revenez en arrière, rechargez la page et réessayez.
error-advice-do-not-trust = Recommencez depuis votre application. Si cela se reproduit, prévenez celles et ceux qui la développent, et ne saisissez pas votre mot de passe sur une page où elle vous mène.
error-advice-tell-developer = Recommencez depuis votre application. Si cela se reproduit, transmettez ce qui suit à celles et ceux qui la développent.
error-advice-nothing-shared = Rien n’a été partagé. Vous pouvez fermer cette page.
error-advice-start-again = Revenez à votre application et connectez-vous à nouveau depuis celle-ci.
error-advice-same-browser = Continuez dans l’autre navigateur, ou recommencez dans celui-ci depuis votre application. Si quelqu’un vous a envoyé ce lien, fermez cette page.
error-advice-ask-administrator = Si vous pensez que c’est une erreur, adressez-vous aux responsables de ce service.
error-advice-shorten = Raccourcissez votre saisie et réessayez.
error-advice-wait = Patientez quelques minutes, puis réessayez.
error-advice-report = Réessayez dans un instant. Si cela se reproduit, donnez la référence ci-dessous aux responsables de ce service.
error-detail = Pour ses développeurs :
error-status = Statut
error-support-id = Référence

## Getting in: passkeys, codes, and confirming what matters
continue = Continuer
save = Enregistrer
login-recover = Mot de passe oublié ?
error-factor-title = Cela n’a pas été fait
passkey-use-submit = Utiliser une clé d’accès
passkey-failed = La clé d’accès n’a pas été utilisée. Réessayez, ou choisissez un autre moyen.
passkey-missing = Ce navigateur ne connaît pas les clés d’accès.
passkey-no-script = Les clés d’accès ont besoin de JavaScript, qui est désactivé dans ce navigateur.
passkey-name-label = Nom
passkey-name-hint = Pour la distinguer des autres : « Ordinateur portable » ou « Clé bleue ».
passkey-add-title = Ajouter une clé d’accès
passkey-add-text = Avec une clé d’accès, vous vous connectez par votre empreinte, votre visage ou le code de votre appareil, sans mot de passe. Personne ne peut la deviner, et elle ne fonctionne que sur ce site.
passkey-add-submit = Créer une clé d’accès
passkey-add-done = La clé d’accès a été ajoutée.
factor-title = Encore une étape
factor-lead = Vous vous connectez en tant que
factor-submit = Continuer
factor-restart = Recommencer
factor-use-totp = Utiliser un code de votre application d’authentification
factor-use-recovery = Utiliser un code de secours
factor-error-over = Cela a pris trop de temps, ou a déjà été fait. Réessayez.
factor-error-passkey-refused = Cette clé d’accès n’a pas été acceptée.
factor-error-passkey-known = Cette clé d’accès a déjà été ajoutée.
factor-error-passkey-copied = Cette clé d’accès a peut-être été copiée et n’a donc pas été acceptée. Connectez-vous autrement, et retirez-la si vous n’êtes plus seul à l’avoir.
factor-error-too-many-passkeys = Vous avez autant de clés d’accès qu’il est possible. Retirez-en une d’abord.
factor-error-totp-known = Une application d’authentification est déjà configurée.
factor-error-wrong-code = Ce code est faux, ou il a déjà été utilisé.
factor-error-too-many-wrong-codes = Il y a eu trop de codes faux. Attendez un quart d’heure, ou utilisez une clé d’accès.
factor-error-last-way-in = C’est le dernier moyen d’accéder à votre compte. Ajoutez-en d’abord un autre.
factor-error-no-second = Ce compte n’a pas de second facteur.
factor-error-proof-needed = Trop de temps a passé. Confirmez encore une fois que c’est bien vous.
totp-title = Configurer une application d’authentification
totp-scan = Scannez cette image avec votre application d’authentification.
totp-picture = Code QR pour votre application d’authentification
totp-type = Ou saisissez cette clé dans l’application :
totp-here = Ouvrir l’application sur cet appareil
totp-code-label = Code de votre application d’authentification
totp-code-hint = Six chiffres. Ils changent toutes les trente secondes.
totp-submit = Terminer
totp-done = L’application est configurée. Dorénavant, il vous faut un de ses codes pour vous connecter.
recovery-code-label = Code de secours
recovery-code-hint = L’un des codes qui vous ont été donnés à conserver. Chacun sert une fois.
recovery-codes-title = Vos codes de secours
recovery-codes-text = Si vous avez perdu votre téléphone ou votre clé d’accès, l’un de ces codes et votre mot de passe vous laissent entrer. Chacun sert une fois.
recovery-codes-once = Ils ne sont montrés que cette fois. Imprimez-les, ou gardez-les là où vous gardez vos mots de passe.
recovery-codes-download = Télécharger les codes
confirm-lead = Pour continuer, montrez que c’est bien vous.
confirm-error-wrong-password = Ce mot de passe est faux.
confirm-impossible = Ce compte n’a ni mot de passe ni clé d’accès avec lesquels vous pourriez confirmer cela.
account-back = Retour à mon compte
security-title = Connexion
security-added = Ajoutée le
security-used = dernière utilisation le
security-password = Mot de passe
security-password-set = Vous avez un mot de passe.
security-password-none = Vous n’avez pas de mot de passe : vous vous connectez avec une clé d’accès.
security-password-change = Changer le mot de passe
security-password-remove = Retirer le mot de passe
security-password-add = Choisir un mot de passe
security-passkeys = Clés d’accès
security-passkeys-text = Avec une clé d’accès, vous vous connectez par empreinte, visage ou code de votre appareil.
security-passkey-add = Ajouter une clé d’accès
security-passkey-rename = Renommer
security-passkey-remove = Retirer
security-passkeys-unavailable = Les clés d’accès ne sont pas possibles à cette adresse.
security-passkey-alone = Vous avez une seule clé d’accès, et elle n’est que sur un appareil. Ajoutez-en une autre ou choisissez un mot de passe, pour que la perte de l’appareil ne vous coûte pas le compte.
security-totp = Application d’authentification
security-totp-set = Une application sur votre téléphone affiche les codes avec lesquels vous vous connectez.
security-totp-none = Une application sur votre téléphone peut afficher des codes qu’il vous faut en plus du mot de passe.
security-totp-add = Configurer une application
security-totp-remove = Retirer l’application
security-recovery = Codes de secours
security-recovery-left = { $count ->
    [0] Vous n’avez pas de codes de secours. Ils vous laissent entrer quand votre téléphone ou votre clé d’accès est perdu.
    [one] Il vous reste un code de secours.
   *[other] Il vous reste { $count } codes de secours.
}
security-recovery-make = Créer de nouveaux codes
security-second = Second facteur
security-second-required = Votre mot de passe seul ne connecte pas : il faut aussi une clé d’accès ou un code. Les anciennes applications qui ne connaissent que les mots de passe se connectent par le navigateur.
security-second-not-required = Votre mot de passe seul suffit pour se connecter.
security-second-require = Toujours demander un second facteur
security-second-allow = Laisser le mot de passe suffire
act-change-password-title = Changer le mot de passe
act-change-password-text = Vous choisirez un nouveau mot de passe. Les autres navigateurs connectés sont déconnectés.
act-change-password-done = Le mot de passe a été changé.
act-remove-password-title = Retirer le mot de passe
act-remove-password-text = Dès lors, seule une clé d’accès vous connecte. Les applications qui ne connaissent que les mots de passe se connectent par le navigateur.
act-remove-password-done = Le mot de passe a été retiré.
act-remove-passkey-title = Retirer la clé d’accès
act-remove-passkey-text = Elle ne vous connectera plus ici. Vous pouvez aussi la supprimer de votre appareil.
act-remove-passkey-done = La clé d’accès a été retirée.
act-add-totp-text = Une application d’authentification sur votre téléphone affiche un code qui change toutes les trente secondes. Il vous le faudra en plus du mot de passe.
act-remove-totp-title = Retirer l’application d’authentification
act-remove-totp-text = Ses codes ne seront plus acceptés. Si vous n’avez pas non plus de clé d’accès, votre mot de passe seul suffira pour vous connecter.
act-remove-totp-done = L’application a été retirée.
act-make-recovery-codes-title = Créer des codes de secours
act-make-recovery-codes-text = Dix nouveaux codes vous seront montrés, une seule fois. Les anciens ne fonctionnent plus.
act-require-second-factor-title = Toujours demander un second facteur
act-require-second-factor-text = Votre mot de passe seul ne connectera plus, ni ici ni dans les anciennes applications : celles-ci se connectent alors par le navigateur.
act-require-second-factor-done = Un second facteur est demandé dorénavant.
act-allow-password-alone-title = Laisser le mot de passe suffire
act-allow-password-alone-text = Quiconque connaît votre mot de passe pourra alors se connecter.
act-allow-password-alone-done = Le mot de passe seul suffit dorénavant.
act-add-email-title = Ajouter une adresse e-mail
act-add-email-text = Nous y enverrons un code, pour vérifier qu’elle est à vous.
act-add-email-done = L’adresse a été ajoutée.
act-remove-email-title = Retirer l’adresse e-mail
act-remove-email-text = Vous n’y recevrez plus de messages, et vous ne pourrez plus vous connecter ni récupérer votre compte avec elle.
act-remove-email-done = L’adresse a été retirée.
act-end-session-title = Déconnecter
act-end-session-text = La déconnexion est immédiate. Une application Matrix y perd ses clés de chiffrement : les messages que seul cet appareil pouvait lire ne pourront plus être lus.
act-end-session-done = La déconnexion est faite.
act-end-other-sessions-title = Déconnecter partout ailleurs
act-end-other-sessions-text = Toutes les applications et tous les autres navigateurs sont déconnectés. Les clés de chiffrement qui ne sont que là sont perdues.
act-end-other-sessions-done = Tout le reste a été déconnecté.
act-deactivate-title = Désactiver le compte
act-deactivate-text = Vous êtes déconnecté partout, et plus personne ne peut se connecter à ce compte. Votre nom reste pris. Vous ne pourrez pas revenir en arrière.
act-reset-cross-signing-title = Réinitialiser votre identité numérique
act-reset-cross-signing-text = Une application veut remplacer les clés par lesquelles les autres savent que c’est vous. Ils devront vous vérifier à nouveau, et l’historique chiffré peut être perdu. Ne le faites que si vous l’avez lancé vous-même et avez perdu votre clé de récupération et tous vos autres appareils.
act-reset-cross-signing-done = Vous pouvez retourner à votre application : pendant dix minutes, elle peut créer une nouvelle identité.

## Politiques : ce que les règles de ce service ne permettent pas, et ce qu’elles demandent
policy-refused-title = Ce n’est pas permis ici
policy-refused-client = Cette application l’a demandé :
policy-refused-help = Ce sont des règles de ce service, et non de votre application. Si vous pensez qu’il s’agit d’une erreur, adressez-vous aux personnes qui le gèrent et donnez-leur le nom de la règle ci-dessous.
policy-refused-rule = Règle :
policy-refused-devices = Déconnectez les appareils que vous n’utilisez plus, puis revenez à cette page et rechargez-la.
policy-refused-devices-open = Voir mes appareils
policy-refused-return = Retourner à l’application
policy-switch = Utiliser un autre compte
policy-login-notice-mfa = Votre mot de passe ne suffit pas pour cela : connectez-vous de nouveau avec votre second facteur.
policy-login-notice-phr = Il faut une clé d’accès pour cela : connectez-vous de nouveau avec elle.
policy-lacking-title = Il manque une chose
policy-lacking-mfa = Pour ce que vous voulez faire, votre compte a besoin d’un second facteur : une clé d’accès, ou une application qui affiche des codes. Vous n’en avez pas encore.
policy-lacking-phr = Pour ce que vous voulez faire, votre compte a besoin d’une clé d’accès. Vous n’en avez pas encore.
policy-lacking-how = La mise en place prend une minute. Vous vous connectez ensuite de nouveau avec.
policy-lacking-then = Revenez ensuite à votre application et connectez-vous à partir de là.
policy-lacking-open = Mettre en place
policy-lacking-notice-mfa = Votre compte a besoin d’un second facteur ici : ajoutez une clé d’accès ou installez une application d’authentification. Le reste s’ouvre quand vous vous êtes connecté avec.
policy-lacking-notice-phr = Votre compte a besoin d’une clé d’accès ici. Ajoutez-en une ; le reste s’ouvre quand vous vous êtes connecté avec.
policy-rule-username-reserved = Ce nom d’utilisateur est réservé. Choisissez-en un autre.
policy-rule-username-banned = Ce nom d’utilisateur ne peut pas être utilisé ici. Choisissez-en un autre.
policy-rule-username-not-allowed = Les noms d’utilisateur ont une autre forme ici. Demandez laquelle aux personnes qui gèrent ce service.
policy-rule-email-required = Un compte a besoin d’une adresse e-mail ici.
policy-rule-registration-method-not-allowed = Les comptes ne se créent pas de cette manière ici.
policy-rule-requester-banned = Rien ne peut être créé depuis le réseau où vous êtes.
policy-rule-user-agent-banned = Rien ne peut être créé avec ce navigateur ou ce programme.
policy-rule-email-banned = Cette adresse e-mail ne peut pas être utilisée ici. Utilisez-en une autre.
policy-rule-email-not-allowed = Seules certaines adresses e-mail peuvent être utilisées ici, et celle-ci n’en fait pas partie.
policy-rule-email-domain-banned = Les adresses e-mail de ce fournisseur ne peuvent pas être utilisées ici. Utilisez-en une autre.
policy-rule-email-domain-not-allowed = Seules les adresses e-mail de certains fournisseurs peuvent être utilisées ici, et celle-ci n’en fait pas partie.
policy-rule-password-too-short = Ce mot de passe est plus court que les règles de ce service ne le permettent. Allongez-le.
policy-rule-password-too-weak = Ce mot de passe est plus facile à deviner que les règles de ce service ne le permettent. Rendez-le plus long ou moins courant.
policy-rule-password-banned-word = Ce mot de passe contient un mot que d’autres essaieraient. Choisissez-en un autre.
policy-rule-password-contains-username = Ce mot de passe contient votre nom d’utilisateur. Choisissez-en un autre.
policy-rule-client-host-denied = Les applications de ce site ne peuvent pas être utilisées ici.
policy-rule-client-host-not-allowed = Seules les applications de certains sites peuvent être utilisées ici.
policy-rule-redirect-host-denied = Les applications qui reviennent vers ce site ne peuvent pas être utilisées ici.
policy-rule-redirect-host-not-allowed = Seules les applications qui reviennent vers certains sites peuvent être utilisées ici.
policy-rule-client-name-denied = Une application de ce nom ne peut pas être utilisée ici.
policy-rule-software-denied = Ce logiciel ne peut pas être utilisé ici.
policy-rule-contacts-required = Une application doit nommer quelqu’un qui puisse être joint.
policy-rule-admin-not-allowed = L’application demande le contrôle de tout le serveur, et votre compte n’est pas celui d’un administrateur.
policy-rule-admin-client-not-allowed = L’application demande le contrôle de tout le serveur, ce qui ne lui est pas permis ici.
policy-rule-client-denied = Cette application ne peut pas être utilisée ici.
policy-rule-user-denied = Votre compte ne peut pas se connecter à des applications.
policy-rule-grant-type-denied = Les applications ne peuvent pas se connecter de cette manière ici.
policy-rule-scope-denied = L’application demande quelque chose que personne ne peut avoir ici.
policy-rule-client-grant-type-not-allowed = Cette application ne peut pas se connecter de cette manière.
policy-rule-client-scope-not-allowed = Cette application demande quelque chose qui ne lui est pas permis.
policy-rule-too-many-devices = Votre compte est connecté sur autant d’appareils qu’il peut en avoir.
policy-rule-device-limit-reached = Votre compte est déjà connecté sur de nombreux appareils. Déconnectez-en d’abord un.
policy-rule-login-type-denied = Les anciennes applications ne peuvent pas se connecter de cette manière ici.
policy-rule-compat-user-denied = Votre compte ne peut pas se connecter à d’anciennes applications.
policy-rule-network-denied = Personne ne peut se connecter depuis le réseau où vous êtes.
policy-rule-network-not-allowed = On ne se connecte ici que depuis certains réseaux, et vous n’êtes dans aucun d’eux.

## Events: what happened on an account, on its page and in mails
event-registered = Le compte a été créé
event-signed-in = Connexion avec un navigateur
event-new-browser-signed-in = Connexion avec un nouveau navigateur
event-app-signed-in = Une application s’est reconnectée sur son appareil
event-new-app-signed-in = Une application s’est connectée à votre compte
event-device-linked = Un appareil a été connecté avec un code que vous avez confirmé
event-wrong-second-factor = Le mot de passe était bon, mais pas le second facteur
event-session-ended = Une session a été fermée
event-sessions-ended = Les sessions ont été fermées partout
event-refresh-token-replayed = Une application a été déconnectée, car son accès a servi deux fois
event-login-replayed = Une application a été déconnectée, car sa connexion a servi deux fois
event-password-changed = Le mot de passe a été changé
event-password-removed = Le mot de passe a été supprimé
event-passkey-added = Une clé d’accès a été ajoutée
event-passkey-removed = Une clé d’accès a été supprimée
event-passkey-counter-regressed = Une clé d’accès a peut-être été copiée
event-totp-added = Une application d’authentification a été ajoutée
event-totp-removed = L’application d’authentification a été supprimée
event-recovery-codes-made = De nouveaux codes de secours ont été créés
event-recovery-code-used = Un code de secours a été utilisé
event-second-factor-required = La connexion demande désormais un second facteur
event-second-factor-no-longer-required = La connexion ne demande plus de second facteur
event-email-added = Une adresse e-mail a été ajoutée
event-email-removed = Une adresse e-mail a été supprimée
event-recovered-by-email = Le compte a été récupéré par e-mail
event-cross-signing-reset = La réinitialisation de l’identité cryptographique a été autorisée
event-signed-out-at-provider = Déconnexion chez un fournisseur, et ici en même temps
event-locked = Le compte a été verrouillé
event-unlocked = Le compte a été déverrouillé
event-deactivated = Le compte a été désactivé
event-reactivated = Le compte a été réactivé
event-subject-app = Application
event-subject-passkey = Clé d’accès
event-subject-email = Adresse e-mail
event-subject-provider = Fournisseur
event-program-on-system = { $program } sous { $system }
event-program-unknown = Un programme inconnu
event-program-unknown-on-system = Un programme sous { $system }
event-administration = Les responsables de ce service
events-title = Ce qui s’est passé sur votre compte
events-lead = Si quelque chose ne vient pas de vous, changez votre mot de passe et déconnectez tout ce que vous ne connaissez pas.
events-none = Rien n’a été noté jusqu’ici.
events-none-older = Il n’y a rien de plus ancien.
events-older = Plus anciens
events-newest = Revenir aux plus récents

## Mails
mail-fact = { $name } : { $fact }
mail-subject = { $service } : { $heading }
mail-why = Cette adresse a été saisie chez { $service }, ou y appartient à un compte.
mail-verification-heading = Confirmez votre adresse e-mail
mail-verification-lead = Saisissez ce code sur la page qui l’a demandé :
mail-verification-good = Il sert une seule fois, pendant { $minutes } minutes.
mail-verification-not-you = Si vous ne l’avez pas demandé, vous n’avez rien à faire. Ne le donnez à personne.
mail-taken-heading = Vous avez déjà un compte
mail-taken-lead = Quelqu’un a voulu utiliser cette adresse e-mail chez { $service }. Elle appartient déjà à un compte, donc rien n’a été changé.
mail-taken-you = Si c’était vous, connectez-vous au compte que vous avez. La page de connexion vous aide si vous avez oublié le mot de passe.
mail-taken-not-you = Si ce n’était pas vous, vous n’avez rien à faire.
mail-taken-link = Se connecter
mail-recovery-heading = Retrouvez l’accès à votre compte
mail-recovery-lead = Quelqu’un a demandé un accès à votre compte chez { $service } après un mot de passe oublié. Ce lien y mène :
mail-recovery-link = Retrouver l’accès au compte
mail-recovery-good = Il sert une seule fois, pendant { $minutes } minutes.
mail-recovery-not-you = Si vous ne l’avez pas demandé, vous n’avez rien à faire : sans le lien, rien ne change. Ne le donnez à personne.
mail-notice-account = Compte
mail-notice-when = Quand
mail-notice-where = D’où
mail-notice-ip = Adresse IP
mail-notice-you = Si c’était vous, vous n’avez rien à faire.
mail-notice-not-you = Si ce n’était pas vous, ouvrez votre compte, changez le mot de passe et déconnectez tout ce que vous ne connaissez pas.
mail-notice-factor = Cette personne connaît votre mot de passe. Si ce n’était pas vous, ouvrez votre compte et changez le mot de passe.
mail-notice-replayed = Quelque chose qu’une seule application devrait avoir a servi à deux : cela a peut-être été volé. L’application a été déconnectée, reconnectez-vous-y. Si cela se reproduit ensuite, prévenez celles et ceux qui la développent.
mail-notice-copied = Son compteur est revenu en arrière, comme celui d’une copie. Supprimez cette clé d’accès dans votre compte, sauf si vous savez pourquoi.
mail-notice-deactivated = Si cela n’aurait pas dû arriver, adressez-vous aux responsables de { $service }.
mail-notice-link = Ouvrir votre compte

## My account: its home, the profile, devices and apps, resetting the identity, deactivation
account-menu-profile = Ce que les autres voient de vous
account-menu-emails-title = Adresses e-mail
account-menu-emails = Pour vous joindre, et pour retrouver l’accès
account-menu-security = Mot de passe, clés d’accès, second facteur
account-menu-devices = Là où votre compte est ouvert
account-menu-apps = Les sites qui savent qui vous êtes
account-menu-events-title = Ce qui s’est passé
account-menu-events = Connexions et changements
account-error-unavailable = Le serveur Matrix ne répond pas en ce moment, rien n’a donc été changé. Patientez un instant, puis réessayez.
profile-title = Profil
profile-user-id = Votre identifiant Matrix
profile-name-hint = Ce que les autres voient dans les conversations. Sans nom affiché, ils voient votre nom d’utilisateur.
profile-uncertain = Le serveur Matrix ne répond pas en ce moment : voici le dernier nom connu ici.
profile-picture = Votre image se change dans votre application Matrix.
profile-done = Le profil a été modifié.
devices-title = Appareils
devices-lead = Tout ce qui est connecté à votre compte : les navigateurs, et les applications Matrix avec leurs appareils. Déconnectez ce que vous ne connaissez pas.
devices-only-here = Aucun autre navigateur et aucune application Matrix ne sont connectés.
devices-more = Suite
devices-first = Retour à la première page
devices-everywhere = Toutes les applications et tous les navigateurs sont déconnectés, sauf celui-ci. Pour tout déconnecter, fermez ensuite la session ici aussi.
device-current = Ce navigateur
device-current-text = C’est le navigateur que vous utilisez en ce moment.
device-browser = Un navigateur
device-sort = De quoi il s’agit
device-sort-browser = Un navigateur, connecté à cette page de compte
device-sort-app = Une application Matrix
device-sort-older-app = Une application Matrix qui se connecte à l’ancienne manière
device-sort-website = Un site ou une application qui sait qui vous êtes
device-host = Provenance
device-id = Identifiant de l’appareil
device-program = Vu comme
device-authentication = Connexion avec
device-by-password = Un mot de passe
device-by-password-and-code = Un mot de passe et un code
device-by-passkey = Une clé d’accès
device-ip = Dernière adresse IP
device-may = Ce qui lui est permis
device-administration = gérer tous les comptes et tous les salons du serveur
device-rename = Renommer l’appareil
device-name-label = Nom de l’appareil
device-name-hint = Toutes les personnes qui partagent un salon avec vous peuvent le voir.
device-renamed = L’appareil a été renommé.
device-error-name-missing = Saisissez un nom.
device-end = Déconnecter
device-end-text = Ce navigateur est déconnecté immédiatement. Vos applications Matrix restent connectées.
device-all = Tous les appareils
device-none-title = Appareil introuvable
device-none-text = Aucun appareil avec cet identifiant n’est connecté ici à votre compte. Il a peut-être déjà été déconnecté.
device-none-others = Un appareil qui figure encore dans la liste de votre application Matrix et pas ici appartient à une passerelle ou au serveur lui-même. Les responsables de ce service peuvent vous en dire plus.
apps-title = Applications
apps-lead = Les sites et les applications que vous avez ouverts avec ce compte. On y sait qui vous êtes, mais on ne peut pas y lire vos messages.
apps-none = Il n’y en a aucune.
apps-none-more = Il n’y en a pas d’autres.
app-end = Retirer l’accès
app-end-text = Plus rien ne lui est transmis d’ici à votre sujet. Il est possible que ce qui est déjà connu y soit conservé, ainsi que votre connexion là-bas.
app-all = Toutes les applications
reset-failed-title = Rien n’a été autorisé
reset-unavailable-text = Le serveur Matrix ne répond pas en ce moment, votre identité numérique reste donc telle quelle. Patientez un instant, puis confirmez à nouveau.
reset-too-often-text = Cela a été autorisé trois fois au cours de la dernière heure, et c’est le maximum. Votre application peut utiliser l’autorisation pendant dix minutes ; sinon, revenez dans une heure.
reset-again = Réessayer
deactivate-erase = Effacer mes messages autant que possible
deactivate-erase-hint = Les personnes qui rejoindront vos salons plus tard ne les verront pas. Des copies peuvent subsister sur d’autres serveurs et appareils.
deactivate-type = Pour confirmer, saisissez votre nom d’utilisateur :
deactivate-error-name = Ce n’est pas votre nom d’utilisateur.
deactivate-submit = Désactiver définitivement
deactivated-title = Votre compte est désactivé
deactivated-text = Toutes vos sessions sont fermées, et plus personne ne peut se connecter à ce compte.
deactivated-close = Vous pouvez fermer cette page.

## Adresses e-mail, nouveaux mots de passe, et retour dans le compte par e-mail
emails-title = Adresses e-mail
emails-lead = Elles vous redonnent accès quand vous avez oublié votre mot de passe, et nous y écrivons quand il se passe sur votre compte quelque chose qui ne vient peut-être pas de vous.
emails-none = Vous n’en avez pas encore.
emails-unconfirmed = Non confirmée : personne n’a montré qu’elle est à vous. Ajoutez-la de nouveau pour la confirmer.
emails-remove = Retirer
emails-back = Retour à mes adresses
email-unavailable = Ce service n’envoie pas d’e-mails, on ne peut donc pas y ajouter d’adresses.
email-label = Adresse e-mail
email-send = Envoyer un code
email-error-invalid = Ce n’est pas une adresse e-mail. Elle ressemble à nom@example.com.
email-error-known = Cette adresse est déjà sur votre compte.
email-error-taken = Cette adresse appartient à un autre compte. Choisissez-en une autre.
email-error-too-many = Vous avez autant d’adresses que possible. Retirez-en d’abord une.
email-error-wait = { $minutes ->
    [one] Un code vient d’être envoyé. Un autre pourra l’être dans une minute.
   *[other] Trop de codes ont été envoyés. Un autre pourra l’être dans { $minutes } minutes.
}
email-error-wrong-code = Ce code est faux.
email-error-code-over = Plus aucun code n’est attendu : cela a duré trop longtemps, ou il y en a eu trop de faux. Demandez-en un nouveau.
email-error-unconfirmed = Confirmez d’abord une adresse e-mail.
email-code-title = Regardez vos e-mails
email-code-lead = Nous avons écrit à
email-code-label = Code reçu par e-mail
email-code-hint = Six chiffres. Ils servent pendant dix minutes, dans ce navigateur.
email-code-nothing = rien reçu ?
email-code-again = Envoyer un nouveau code
password-title = Choisissez un nouveau mot de passe
password-new-label = Nouveau mot de passe
password-submit = Enregistrer le mot de passe
password-end-apps = Déconnecter aussi mes applications
password-end-apps-hint = Faites-le si quelqu’un d’autre connaît peut-être votre mot de passe. Chaque application doit alors se reconnecter, et perd les clés de vos messages chiffrés si elles ne sont nulle part ailleurs.
password-error-too-short = Ce mot de passe est trop court. Il faut au moins huit caractères.
recover-title = Mot de passe oublié ?
recover-lead = Saisissez une adresse e-mail de votre compte. Nous y envoyons un lien avec lequel vous choisirez un nouveau mot de passe.
recover-submit = Envoyer un lien
recover-login = Retour à la connexion
recover-sent-title = Regardez vos e-mails
recover-sent-text = Si un compte a cette adresse, un lien est en route. Il sert pendant une demi-heure.
recover-sent-nothing = Si rien n’arrive, regardez dans le courrier indésirable, ou essayez une autre de vos adresses.
recover-account = Votre compte
recover-then = Tous les navigateurs seront alors déconnectés, et vous vous connecterez avec le nouveau mot de passe. Vos applications restent connectées.
recover-over-title = Ce lien ne sert plus
recover-over-text = Il a déjà servi, il a plus d’une demi-heure, ou quelque chose a changé depuis. Vous pouvez en demander un nouveau.
recover-again = Demander un nouveau lien
recover-done-title = Votre nouveau mot de passe est enregistré
recover-done-text = Vous pouvez maintenant vous connecter avec lui.
recover-done-sessions = Quiconque était connecté à votre compte dans un navigateur a été déconnecté. Vos applications le sont encore : passez-les en revue si quelqu’un d’autre connaissait peut-être votre mot de passe.
recover-impossible-title = Pas possible ici
recover-impossible-text = Ce service ne peut pas vous donner de nouveau mot de passe par e-mail. Ses responsables peuvent vous aider.
register-email-title = Votre adresse e-mail
register-email-text = Un compte ici en demande une. Nous y envoyons un code, pour vérifier qu’elle est à vous.
register-email-other = Utiliser une autre adresse
register-terms = J’accepte les conditions d’utilisation
register-terms-read = Lire les conditions d’utilisation (dans un nouvel onglet)
register-error-terms = Pour créer un compte, acceptez les conditions d’utilisation.

## CAPTCHA
captcha-working = Une courte vérification s’exécute dans votre navigateur, pour écarter les programmes. Continuez simplement.
captcha-waiting = Un instant : le formulaire part dès que la vérification est terminée.
captcha-done = La vérification est terminée.
captcha-progress = Avancement de la vérification
captcha-no-script = Cette seule vérification a besoin de JavaScript. Activez-le pour cette page, ou adressez-vous aux personnes qui gèrent ce service.
captcha-not-loaded = La vérification de { $service } n’a pas pu être chargée. Voyez si quelque chose la bloque, puis rechargez cette page.
captcha-error-needed = Une vérification de plus est nécessaire ici. Effectuez-la, puis envoyez à nouveau le formulaire.
captcha-error-failed = La vérification n’a pas réussi, ou elle a pris trop de temps. Veuillez réessayer.
captcha-error-unavailable = La vérification qui écarte les programmes ne fonctionne pas en ce moment. Patientez un instant, puis réessayez.
signup-token-label = Jeton d’inscription
signup-token-hint = Il faut une invitation ici. Les responsables de ce service vous en donneront une.
signup-token-missing = Saisissez votre jeton d’inscription.
signup-token-refused = Ce jeton d’inscription ne fonctionne pas : il est peut-être mal saisi, expiré ou épuisé. Demandez-en un autre à la personne qui vous l’a donné.
signup-approval-hint = Chaque nouveau compte est examiné par les responsables de ce service avant de pouvoir servir.
signup-ask = Demander ce compte
signup-waiting-title = En attente d’approbation
signup-waiting-lead = Votre compte est créé ; il attend l’approbation des responsables de ce service.
signup-waiting-user-id = Votre identifiant Matrix
signup-waiting-mail = Nous écrirons à { $email } quand ils auront décidé.
signup-waiting-no-mail = Revenez plus tard et essayez de vous connecter : cela fonctionnera dès qu’ils l’auront approuvé.
signup-waiting-then = Une fois le compte approuvé, recommencez depuis { $destination } et connectez-vous.
signup-login-waiting = Ce compte attend l’approbation des responsables de ce service.
event-approval-required = Le compte attendait une approbation
event-approved = Le compte a été approuvé
mail-approval-heading = Un compte attend une approbation
mail-approval-how = Quelqu’un s’est inscrit. Là où tourne le service, l’une de ces commandes répond :
mail-approval-approve = Approuver
mail-approval-reject = Refuser
mail-approved-heading = Votre compte a été approuvé
mail-approved-lead = Les responsables de { $service } ont approuvé votre compte. Vous pouvez maintenant vous connecter.
mail-approved-link = Se connecter
mail-rejected-heading = Votre compte n’a pas été approuvé
mail-rejected-lead = Les responsables de { $service } ont décidé de ne pas approuver le compte que vous avez demandé. Il est supprimé.
mail-rejected-reason = Leur réponse : { $reason }
mail-rejected-again = Si vous pensez que c’est une erreur, adressez-vous à eux.

## What was done too often
limits-wait-seconds = { $seconds ->
    [one] Il y a eu trop de tentatives. Réessayez dans une seconde.
   *[other] Il y a eu trop de tentatives. Réessayez dans { $seconds } secondes.
}
limits-wait-minutes = Il y a eu trop de tentatives. Réessayez dans { $minutes } minutes.

# Faire entrer un appareil depuis un autre
link-title = Connecter un autre appareil
link-lead = Saisissez le code que l’autre appareil affiche.
link-code-label = Code
link-code-hint = Majuscules, espaces et tirets n’ont pas d’importance.
link-submit = Continuer
link-caution = Quelqu’un vous a envoyé un code ou ce lien ? Alors arrêtez-vous là : qui vous demande de saisir un code veut entrer dans votre compte.
link-error-unknown = Aucun appareil n’attend avec ce code. Regardez encore l’autre appareil ; si c’est bien celui-là, recommencez là-bas pour obtenir un nouveau code.
link-error-not-in-hand = Cochez la case si c’est vrai. Sinon, ne connectez pas l’appareil.
link-security = Connexion et sécurité
link-question-title = Connecter cet autre appareil ?
link-question-compare = L’autre appareil affiche-t-il exactement ce code ?
link-asks = Qui demande
link-claims = Se fait appeler
link-nameless = rien
link-from = D’où
link-near = la même adresse que la vôtre
link-far = pas l’adresse où vous êtes
link-when = Quand
link-access = Il sera connecté à votre compte, et pourra alors
link-warning-title = Personne d’autre n’a besoin de cela.
link-warning = Si un appel, un message, un courriel ou un site vous a conduit ici, quelqu’un essaie de lire vos messages. Ne connectez pas l’appareil. Les responsables de ce service ne le demandent jamais.
link-in-hand = Je l’ai lancé moi-même, et j’ai cet appareil ici avec moi
link-deny = Ne pas le connecter
link-allow = Connecter l’autre appareil
link-allowed-title = L’autre appareil est en cours de connexion
link-allowed-text = La suite se passe là-bas dans quelques secondes. Vous pouvez fermer cette page.
link-denied-title = L’appareil n’a pas été connecté
link-denied-text = Rien ne lui a été transmis. Si quelqu’un vous a conduit ici, vous n’avez rien d’autre à faire. Si vous pensez qu’il connaît votre mot de passe, changez-le.


## Fournisseurs d’identité
upstream-continue = Continuer avec { $provider }
upstream-or = ou
upstream-leave-title = Vers { $provider }
upstream-leave-text = Vous allez être conduit chez { $provider }. Si rien ne se passe, allez-y vous-même :
upstream-return-title = Retour du fournisseur
upstream-return-text = Encore une étape pour revenir ici.
upstream-return-submit = Continuer
upstream-sign-up-title = Votre nouveau compte
upstream-sign-up-text = { $provider } dit qui vous êtes. Personne ici n’a encore ce compte de { $provider }.
upstream-sign-up-fixed = { $provider } en décide.
upstream-sign-up-email = Ajouter { $email } au compte
upstream-sign-up-submit = Créer le compte
upstream-sign-up-have = Vous avez déjà un compte ici ?
upstream-sign-up-link = Se connecter et y lier { $provider }
upstream-conflict-title = Un compte existe déjà
upstream-conflict-text = Un compte d’ici a le même nom d’utilisateur ou la même adresse e-mail que vous chez { $provider }. S’il est à vous, connectez-vous-y comme avant. { $provider } y sera alors lié, et vous connectera désormais.
upstream-conflict-submit = Se connecter et lier { $provider }
upstream-problem-title = { $provider } ne vous a pas connecté
upstream-problem-again = Réessayer
upstream-problem-login = Autres moyens de se connecter
upstream-problem-denied = { $provider } ne vous a pas laissé vous connecter, ou vous y avez annulé.
upstream-problem-unavailable = { $provider } ne répond pas, ou pas comme il le devrait. Patientez un instant, puis réessayez.
upstream-problem-answer = On ne peut pas se fier à ce qui est revenu de { $provider } ; personne n’a donc été connecté. Réessayez. Si cela se reproduit, prévenez les responsables de ce service.
upstream-problem-not-recent = { $provider } ne vous a pas demandé à nouveau qui vous êtes, ce qui est nécessaire ici. Déconnectez-vous de { $provider }, puis réessayez.
upstream-problem-not-allowed = Votre compte chez { $provider } ne peut pas se connecter ici. Les responsables de ce service décident qui le peut.
upstream-problem-sign-in-only = Personne n’obtient de nouveau compte ici par { $provider }. Si vous avez un compte, connectez-vous-y et liez { $provider } sur sa page.
upstream-problem-required = { $provider } ne dit pas tout ce qu’il faut à un compte d’ici. Demandez aux responsables de ce service.
upstream-problem-linked-elsewhere = Ce compte de { $provider } appartient à un autre compte d’ici.
upstream-problem-somebody-else = Chez { $provider }, vous êtes quelqu’un d’autre qu’ici. Connectez-vous-y avec le compte qui est lié au vôtre.
upstream-problem-closed = La connexion par { $provider } est désactivée ici.
upstream-problem-detail = { $provider } a dit :
security-providers = Comptes ailleurs
security-providers-text = Avec un compte chez un autre fournisseur, vous pouvez vous connecter ici sans mot de passe.
security-provider-link = Lier { $provider }
security-provider-unlink = Retirer le lien
security-provider-closed = désactivé
confirm-providers = Ou montrez chez un fournisseur que c’est bien vous :
confirm-done = Vous avez montré que c’est bien vous.
act-link-provider-title = Lier un compte
act-link-provider-text = Quiconque a votre compte chez ce fournisseur pourra se connecter à votre compte d’ici.
act-link-provider-done = Le compte a été lié. Il vous connecte désormais.
act-unlink-provider-title = Retirer un compte lié
act-unlink-provider-text = Il ne vous connecte plus ici. Votre compte là-bas reste tel qu’il est.
act-unlink-provider-done = Le lien a été retiré.
event-provider-linked = Un compte d’ailleurs a été lié
event-provider-unlinked = Le lien vers un compte d’ailleurs a été retiré

## L’autorisation d’une application

authorize-post-title = Presque terminé
authorize-post-text = Ce que l’application doit savoir est en route. Si rien ne se passe, utilisez le bouton.
choose-title = Quel compte ?
choose-signed-in-as = Vous êtes connecté ici en tant que
choose-another-expected = Cette application demande un autre compte que celui qui est connecté ici.
choose-switch = Utiliser un autre compte
choose-register = Créer un compte
choose-return = Retourner vers { $destination } sans se connecter
consent-remembered = La question ne vous sera plus posée. Vous pouvez revenir sur cet accord sous « Applications » dans votre compte.
apps-allowed-title = Peuvent vous connecter sans demander
apps-allowed-lead = Vous leur avez donné votre accord. Si vous le retirez, l’application est déconnectée et doit demander à nouveau.
apps-allowed-since = Accord donné le
apps-allowed-withdraw = Retirer l’accord
act-withdraw-consent-title = Retirer votre accord
act-withdraw-consent-text = Cette application est déconnectée et doit vous demander à nouveau avant de savoir qui vous êtes. Ce qu’elle a déjà appris, elle le sait.
act-withdraw-consent-done = L’accord a été retiré.

logout-client = L’application qui le demande s’appelle, selon elle,
logout-return = Vous retournerez ensuite vers { $destination }.
logout-everywhere = Me déconnecter partout, de mes applications Matrix aussi
logout-everywhere-hint = Chaque application sur chaque appareil est déconnectée. Les clés de chiffrement qui ne sont que là sont perdues. Vous le confirmez à la page suivante.
signed-out-everywhere-text = Plus personne n’est connecté à votre compte, dans aucun navigateur ni aucune application.
act-sign-out-everywhere-title = Se déconnecter partout
act-sign-out-everywhere-text = Chaque navigateur et chaque application est déconnecté, celui-ci aussi. Les clés de chiffrement qui ne sont que là sont perdues.
access-offline = faire cela aussi pendant que vous êtes déconnecté d’ici
