import posthog from "posthog-js";
posthog.init("phc_key", { api_host: "https://eu.i.posthog.com", person_profiles: "always" });
posthog.capture("x"); posthog.identify("u1"); setTimeout(() => posthog.opt_out_capturing(), 4000);
