import mixpanel from "mixpanel-browser";
mixpanel.init("TOKEN", { track_pageview: true, record_sessions_percent: 100 }); mixpanel.track("x"); mixpanel.identify("u1"); mixpanel.people.set({ a: 1 });
setTimeout(() => mixpanel.opt_out_tracking(), 4000);
