// Sends the form of a page that only carries something on: back from a provider, or on to an app. Without script its button does.
"use strict";
document.querySelector("form[data-send]").submit();
