// The widget of a CAPTCHA service: in the colours and the width of the page, and with a word where it cannot be loaded.
"use strict";
(() => {
  const box = document.querySelector("[data-widget]");
  const widget = box.querySelector("[data-sitekey]");
  widget.dataset.theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  // The usual width of them all is 304 pixels at most.
  if (box.clientWidth < 304) widget.dataset.size = "compact";
  const script = document.createElement("script");
  script.src = box.dataset.widget;
  script.async = true;
  script.onerror = () => {
    box.querySelector("[data-failed]").hidden = false;
  };
  document.head.append(script);
})();
