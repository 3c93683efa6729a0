import * as CC from "vanilla-cookieconsent";
CC.run({ categories: { necessary: { enabled: true, readOnly: true }, a: {} }, language: { default: "en", translations: { en: { consentModal: { title: "t", acceptAllBtn: "ok" }, preferencesModal: { sections: [] } } } } }).then(() => CC.acceptCategory("all"));
