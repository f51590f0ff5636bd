import { defineConfig } from 'vite';

export default defineConfig({
  build: {
    // Files only, nothing inlined into the page: the API serves this under a policy without inline scripts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 900,
    rolldownOptions: {
      // "use client" in a library is for servers that render React; here there is only a client.
      onLog: (level, log, handle) => {
        if (log.code !== 'MODULE_LEVEL_DIRECTIVE') handle(level, log);
      },
    },
  },
  // `npm run dev` beside a running API.
  server: { host: '127.0.0.1', proxy: { '/api': 'http://127.0.0.1:8000' } },
});
