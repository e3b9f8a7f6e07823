import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

const backend = process.env["WARMLINE_BACKEND"] ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [react()],
  build: {
    outDir: "../static",
    emptyOutDir: true,
    // The content security policy is `default-src 'self'`: nothing may become a data: URL.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: ["chrome123", "edge123", "firefox121", "safari17.5"],
    reportCompressedSize: true,
  },
  server: {
    proxy: {
      "/api": { target: backend },
      "/live": { target: backend, ws: true },
    },
  },
});
