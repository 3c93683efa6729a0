// The site's own script: it must run in every state of consent.
document.documentElement.dataset.siteScript = "ran";
if (window.gtag) gtag("event", "page_shown", { page: document.body.className });
