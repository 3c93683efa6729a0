import { AnalyticsBrowser } from "@segment/analytics-next";
const a = AnalyticsBrowser.load({ writeKey: "KEY" }); a.page(); a.track("x"); a.identify("u1", { a: 1 }); a.group("g1");
