import { AdyenCheckout, Card } from "@adyen/adyen-web/auto";
(async () => { document.body.insertAdjacentHTML("beforeend", "<div id=pay></div>");
const c = await AdyenCheckout({ clientKey: "live_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", environment: "live", countryCode: "FR", locale: "fr-FR", amount: { value: 100, currency: "EUR" }, paymentMethodsResponse: { paymentMethods: [{ type: "scheme", name: "Card", brands: ["visa"] }] }, onSubmit() {}, analytics: { enabled: true } });
new Card(c).mount("#pay"); })();
