import pino from 'pino';
import { sandboxProvider } from '../../src/channels/sandbox.ts';
import { loadMessage, type MessageView } from '../../src/store/deliveries/delivery-views.ts';
import { type Answer, type TestServer, testServer } from './http.ts';
import { TENANT, type TestTidings, testTidings } from './tidings.ts';

/** A tenant whose templates are made over the API. */

export const TEMPLATE_CATALOG = {
  'events.yaml': 'events: { signed_up: {}, paid: {} }',
  'notifications.yaml': `notifications:
  WELCOME: { category: TRANSACTIONAL, channels: [email], layout: main }
  OFFER: { category: MARKETING, variables: { postal_address: { default: 1 Main Street } }, channels: [email, sms] }`,
  'rules.yaml': `rules:
  WELCOME: { on: signed_up }
  OFFER: { on: paid }`,
  'templates/_layouts/main.html': '<html><body>{{> body}}<p>{{> footer}}</p></body></html>',
  'templates/_partials/footer.html': 'Acme',
  'templates/WELCOME/email.en.subject.txt': 'Hello of the file',
  'templates/WELCOME/email.en.txt': 'Text of the file',
  'templates/OFFER/email.en.subject.txt': 'Offer',
  'templates/OFFER/email.en.txt': 'Offer of the file',
  'templates/OFFER/sms.en.txt': 'Offer of the file',
};

export const WELCOME = {
  name: 'CLIENT_WELCOME',
  type: 'WELCOME',
  channel: 'email',
  parts: { subject: 'Welcome, {{user_name}}', text: 'First text' },
};

export interface TemplateApi {
  readonly tidings: TestTidings;
  readonly server: TestServer;
  post(path: string, body?: object): Promise<Answer>;
  patch(path: string, body: object, headers?: Record<string, string>): Promise<Answer>;
  get(path: string): Promise<Answer>;
  delete(path: string): Promise<Answer>;
  setSource(source: 'files' | 'api'): Promise<void>;
  /** Makes and activates a template; returns its id. */
  make(body: object): Promise<string>;
  /** Posts an event about a user, and returns the email that it led to. */
  mail(userId: string, eventType?: string, traits?: object): Promise<MessageView>;
  close(): Promise<void>;
}

let events = 0;

export async function templateApi(catalog: Record<string, string> = TEMPLATE_CATALOG): Promise<TemplateApi> {
  const tidings = await testTidings(
    { email: sandboxProvider(['email']), sms: sandboxProvider(['sms']) },
    new Map(Object.entries(catalog)),
  );
  const server = await testServer(tidings, { log: pino({ level: 'error' }) });
  const at = (path: string) => `/api/v1/templates${path}`;
  await tidings.worker();
  const api: TemplateApi = {
    tidings,
    server,
    post: (path, body) => server.send('POST', at(path), body ?? {}),
    patch: (path, body, headers) => server.send('PATCH', at(path), body, headers),
    get: (path) => server.get(at(path)),
    delete: (path) => server.send('DELETE', at(path)),
    async setSource(source) {
      const { status, body } = await server.send('PATCH', '/api/v1/tenant', { settings: { template_source: source } });
      if (status !== 200) throw new Error(JSON.stringify(body));
    },
    async make(body) {
      const made = await api.post('', body);
      if (made.status !== 201) throw new Error(JSON.stringify(made.body));
      const activated = await api.post(`/${made.body.template_id}/activate`);
      if (activated.status !== 200) throw new Error(JSON.stringify(activated.body));
      return made.body.template_id;
    },
    async mail(userId, eventType = 'signed_up', traits = {}) {
      const event = {
        event_id: `event ${events++}`,
        user_id: userId,
        event_type: eventType,
        event_timestamp: new Date(tidings.clock.now).toISOString(),
        user_traits: { email: 'maria@example.com', name: 'Maria', ...traits },
      };
      const [result] = await tidings.ingest([event]);
      if (result?.status !== 'accepted') throw new Error(JSON.stringify(result));
      const ids = result.decisions.flatMap(({ notification_id: id }) => (id ? [id] : []));
      const deadline = Date.now() + 30_000;
      for (;;) {
        const { rows } = await tidings.database.pool.query<{ open: number }>(
          'select count(*)::int as open from deliveries where notification_id = any($1) and finished_at is null',
          [ids],
        );
        for (const notificationId of rows[0]?.open === 0 ? ids : []) {
          const message = await loadMessage(tidings.database.pool, tidings.seal, TENANT, {
            notificationId,
            channel: 'email',
            target: '',
          });
          if (message && message !== 'unreadable') return message;
        }
        if (Date.now() > deadline) throw new Error('no message was made');
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    async close() {
      await server.close();
      await tidings.close();
    },
  };
  return api;
}
