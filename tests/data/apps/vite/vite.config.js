import vue from "@vitejs/plugin-vue";

export default { plugins: [vue()], server: { allowedHosts: ["callkom.io"] }, preview: { allowedHosts: ["callkom.io"] } };
