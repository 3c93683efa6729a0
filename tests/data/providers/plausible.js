import { init, track } from "@plausible-analytics/tracker";
init({ domain: "site.example", captureOnLocalhost: true, outboundLinks: true }); track("x", {});
