import * as Sentry from "@sentry/browser";
Sentry.init({ dsn: "https://abc0123@o447951.ingest.sentry.io/1", tracesSampleRate: 1, replaysSessionSampleRate: 1, integrations: [Sentry.browserTracingIntegration(), Sentry.replayIntegration(), Sentry.feedbackIntegration()] });
Sentry.captureException(new Error("x")); Sentry.setUser({ id: "1" });
