/** Asks the process in this container whether it is live: the API on PORT, or workers on TIDINGS_HEALTH_PORT. */
const { PORT = '8000', TIDINGS_HEALTH_PORT = '8001' } = process.env;
const ask = (port) => fetch(`http://127.0.0.1:${port}/healthz/live`, { signal: AbortSignal.timeout(2500) });
const response = await ask(PORT).catch(() => ask(TIDINGS_HEALTH_PORT));
process.exit(response.ok ? 0 : 1);
