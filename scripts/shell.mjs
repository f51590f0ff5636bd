/**
 * npm run shell: an interactive Node.js with functions that call a running Tidings (TIDINGS_URL, TIDINGS_API_KEY):
 *
 *   await get('/api/v1/explain/u_1/WELCOME_EMAIL')
 *   await post('/api/v1/events', { … })
 */
import { start } from 'node:repl';

const base = (process.env.TIDINGS_URL || `http://localhost:${process.env.PORT || 8000}`).replace(/\/+$/, '');
const key = process.env.TIDINGS_API_KEY ?? process.env.TIDINGS_API_KEYS?.split(',')[0];

async function call(path, init = {}) {
  const headers = {
    ...(init.body && { 'content-type': 'application/json' }),
    ...(key && { authorization: `Bearer ${key}` }),
  };
  const response = await fetch(base + path, { ...init, headers, redirect: 'error' });
  return response.json();
}

const shell = start({ prompt: 'tidings> ' });
Object.assign(shell.context, {
  get: (path) => call(path),
  post: (path, body) => call(path, { method: 'POST', ...(body && { body: JSON.stringify(body) }) }),
});
