import { BrowserAgent } from "@newrelic/browser-agent/loaders/browser-agent";
new BrowserAgent({ init: { session_replay: { enabled: true, sampling_rate: 100, error_sampling_rate: 100 }, session_trace: { enabled: true }, distributed_tracing: { enabled: true }, privacy: { cookies_enabled: true }, ajax: { deny_list: [] } }, info: { beacon: "bam.eu01.nr-data.net", errorBeacon: "bam.eu01.nr-data.net", licenseKey: "NRJS-1", applicationID: "1", sa: 1 }, loader_config: { accountID: "1", trustKey: "1", agentID: "1", licenseKey: "NRJS-1", applicationID: "1" } });
newrelic.noticeError(new Error("x"));
