import { datadogRum } from "@datadog/browser-rum";
datadogRum.init({ applicationId: "a", clientToken: "pub1", site: "datadoghq.eu", service: "s", sessionSampleRate: 100, sessionReplaySampleRate: 100, trackUserInteractions: true });
datadogRum.addError(new Error("x")); datadogRum.startSessionReplayRecording();
