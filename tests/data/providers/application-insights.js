import { ApplicationInsights } from "@microsoft/applicationinsights-web";
const a = new ApplicationInsights({ config: { connectionString: "InstrumentationKey=00000000-0000-0000-0000-000000000000;IngestionEndpoint=https://westeurope-5.in.applicationinsights.azure.com/;LiveEndpoint=https://westeurope.livediagnostics.monitor.azure.com/", enableAutoRouteTracking: true } });
a.loadAppInsights(); a.trackPageView(); a.setAuthenticatedUserContext("u1", "acc", true); a.trackEvent({ name: "x" }); a.flush();
