window.klaroConfig = { acceptAll: true, lang: "en", translations: { zz: {}, en: { purposes: { a: "A" } } }, services: [{ name: "ga", title: "ga", purposes: ["a"] }] };
const script = document.createElement("script");
script.src = "/npm/klaro/dist/klaro.js";
script.onload = () => { const manager = klaro.getManager(klaroConfig); manager.changeAll(true); manager.saveAndApplyConsents(); };
document.body.append(script);
