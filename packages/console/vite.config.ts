import { defineConfig } from 'vite';

/** `npm run dev -w packages/console`, beside a running API. What users get is built by build.mjs. */
export default defineConfig({
  server: { host: '127.0.0.1', proxy: { '/api': 'http://127.0.0.1:8000' } },
});
