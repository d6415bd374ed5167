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

## Account
account-title = Votre compte
account-greeting = Bonjour
account-signed-in-as = Vous utilisez le compte
account-sessions = Applications connectées
account-no-sessions = Aucune application n’est connectée avec ce compte.
account-unnamed-client = Application sans nom
account-older-client = (ancienne application)
account-since = Connectée le
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
