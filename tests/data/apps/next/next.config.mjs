export default { allowedDevOrigins: ["callkom.io"], distDir: process.env.DIST ?? ".next", devIndicators: false };
