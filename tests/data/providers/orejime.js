window.orejimeConfig = { purposes: [{ id: "a", title: "A", cookies: ["_ga"] }], privacyPolicyUrl: "/privacy" };
const script = document.createElement("script");
script.src = "/npm/orejime/dist/orejime-standard-en.js";
script.onload = () => setTimeout(() => [...document.querySelectorAll("button")].find((one) => /accept/i.test(one.textContent)).click(), 1000);
document.body.append(script);
