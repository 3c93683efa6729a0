import { FriendlyCaptchaSDK } from "@friendlycaptcha/sdk";
document.body.insertAdjacentHTML("beforeend", '<div class="frc-captcha" data-sitekey="FCMGEMUD2KTDSQ5H"></div><div id=two></div>');
new FriendlyCaptchaSDK({ apiEndpoint: "eu" }).createWidget({ element: document.getElementById("two"), sitekey: "FCMGEMUD2KTDSQ5H", startMode: "auto" });
