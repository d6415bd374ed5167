// Sends the form of the page that brings somebody back from a provider; without script its button does.
"use strict";
document.querySelector("form[data-send]").submit();
