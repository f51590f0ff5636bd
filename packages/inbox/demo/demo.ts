/**
 * The page at /elements/demo. It asks Tidings itself for the token, as every caller on this machine may while no keys are configured;
 * in an app, a backend does that.
 */

import { CATALOG, listEvents } from './catalog.ts';

interface Provider extends HTMLElement {
  getToken: () => Promise<string>;
}

const TENANT = 'inbox-demo';
const USER = 'ann';

const find = <Found extends HTMLElement>(id: string) => document.getElementById(id) as Found;

/** @throws Error with the words of the problem */
async function call<Result>(method: string, path: string, body?: unknown, tenant?: string): Promise<Result> {
  const headers: Record<string, string> = tenant === undefined ? {} : { 'x-tidings-tenant': tenant };
  if (body !== undefined) headers['content-type'] = 'application/json';
  const response = await fetch(path, { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) });
  const answer = (await response.json()) as Result & { detail?: string };
  if (!response.ok) throw new Error(answer.detail ?? `HTTP ${response.status}`);
  return answer;
}

function toEvent({ type, properties }: { readonly type: string; readonly properties: object }) {
  return { user_id: USER, event_type: type, event_timestamp: new Date().toISOString(), properties };
}

async function setUp(): Promise<void> {
  await call('POST', '/api/v1/tenants', { tenant_id: TENANT, name: 'Demo of the inbox' });
  await call('POST', '/api/v1/catalog', { files: CATALOG }, TENANT);
  for (const one of listEvents()) await call('POST', '/api/v1/events', toEvent(one), TENANT);
}

/** Posts an event each time that a button is pressed. */
function showEvents(): void {
  for (const [index, { label }] of listEvents().entries()) {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = label;
    button.addEventListener('click', async () => {
      const event = listEvents()[index];
      if (!event) return;
      const said = await call('POST', '/api/v1/events', toEvent(event), TENANT).then(
        () => 'Posted: look at the bell.',
        (error: Error) => error.message,
      );
      find('result').textContent = said;
    });
    find('events').append(button, ' ');
  }
  const [first] = listEvents();
  const text = first ? JSON.stringify(toEvent(first)) : '';
  find('command').textContent =
    `curl -X POST ${location.origin}/api/v1/events -H 'x-tidings-tenant: ${TENANT}' -H 'content-type: application/json' \\\n  -d '${text}'`;
}

function start(): void {
  find('setup').hidden = true;
  find('try').hidden = false;
  showEvents();
  find<Provider>('provider').getToken = async () =>
    (await call<{ token: string }>('POST', `/api/v1/users/${USER}/tokens`, {}, TENANT)).token;
}

call('GET', `/api/v1/tenants/${TENANT}`).then(start, () => {
  find('setup').hidden = false;
  find('create').addEventListener('click', () => {
    setUp().then(start, (error: Error) => {
      find('problem').textContent = error.message;
    });
  });
});
