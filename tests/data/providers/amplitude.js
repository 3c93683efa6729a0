import * as amplitude from "@amplitude/analytics-browser";
amplitude.init("APIKEY", "u1", { autocapture: true }); amplitude.track("x");
