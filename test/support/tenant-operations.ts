import type { Answer, TestServer } from './http.ts';
import { ACCOUNT, BASE, CODE, catalogOf, ISSUER, type Rows, WEBHOOK } from './two-tenants.ts';

/** Every operation of the OpenAPI document, with the ids of a tenant's rows and something to send. */

/** An operation, as `METHOD /path`, with what a request to it sends. */
export interface Operation {
  readonly name: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** With the ids of the rows that it was built for. */
  readonly path: string;
  readonly hasIds: boolean;
  /** Scope that it declares; `public`: it needs none. */
  readonly scope: string;
  /** Whether the token of a user reaches it as well. */
  readonly takesUsers: boolean;
  /** Names of its parameters in the query. */
  readonly parameters: ReadonlySet<string>;
  readonly body: unknown;
  /** The token of the user, for what belongs to a user; the media type of a body that is no JSON. */
  readonly headers: Record<string, string>;
}

const WHERE = 'test/support/tenant-operations.ts';

interface Described {
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
  readonly security: readonly { readonly [scheme: string]: readonly string[] }[];
}

/** Returns every operation of the OpenAPI document with the ids of these rows: those that read first. */
export async function listOperations(server: TestServer, rows: Rows): Promise<Operation[]> {
  const { body } = await server.get('/api/docs/openapi.json');
  const operations = Object.entries<{ readonly [method: string]: Described }>(body.paths).flatMap(
    ([template, methods]) =>
      Object.entries(methods).map(([method, { parameters = [], security }]): Operation => {
        const name = `${method.toUpperCase()} ${template}`;
        const ids = (IDS[name] ?? IDS[template])?.(rows) ?? [];
        let given = 0;
        const path = template.replace(/\{\w+\}/g, () => {
          const id = ids[given++];
          if (id === undefined) throw new Error(`${WHERE}: say in IDS which row ${template} is asked for`);
          return encodeURIComponent(id);
        });
        const [scope = 'public'] = security.flatMap((one) => Object.values(one).flat());
        return {
          name,
          method: method.toUpperCase() as Operation['method'],
          path: `${path}${(QUERIES[name] ?? QUERIES[template])?.(rows) ?? ''}`,
          hasIds: given > 0,
          scope,
          takesUsers: security.some(({ bearer = [] }) => bearer.includes('me')),
          parameters: new Set(parameters.flatMap((one) => (one.in === 'query' ? [one.name] : []))),
          body: BODIES[name]?.(rows),
          headers: {
            ...(scope === 'me' && { authorization: `Bearer ${rows.token}` }),
            ...(/\/(recipients|(consents|members)\/import)$/.test(template) && {
              'content-type': 'application/x-ndjson',
            }),
          },
        };
      }),
  );
  for (const { name, method } of operations) {
    if (method !== 'GET' && !(name in BODIES)) throw new Error(`${WHERE}: say in BODIES what ${name} sends`);
  }
  // A stream has no end: test/inbox-stream.test.ts asks for those.
  const answered = operations.filter(({ name }) => !name.endsWith('/stream'));
  return answered.sort((a, b) => Number(a.method !== 'GET') - Number(b.method !== 'GET'));
}

/** Whether an operation is of one tenant: not of the whole installation. */
export function isOfTenant({ scope }: Operation): boolean {
  return !scope.startsWith('tenants:');
}

/** Whether credentials with these scopes may call an operation. */
export function mayCall({ scope, takesUsers }: Operation, scopes: ReadonlySet<string>): boolean {
  return scopes.has(scope) || (takesUsers && scopes.has('me'));
}

export function call(
  { server }: { readonly server: TestServer },
  { method, path, body, headers }: Operation,
  others: Record<string, string> = {},
): Promise<Answer> {
  return server.send(method, path, body, { ...headers, ...others });
}

const IDS: { readonly [template: string]: (rows: Rows) => readonly string[] } = {
  '/api/v1/deliveries/{id}/message': ({ sent }) => [sent],
  '/api/v1/deliveries/{id}/reveal': ({ sent }) => [sent],
  '/api/v1/deliveries/{id}/retry': ({ stopped }) => [stopped],
  '/api/v1/deliveries/{id}/cancel': ({ queued }) => [queued],
  '/api/v1/dead-letters/{group}': ({ tenantId }) => [`recipient:sms:sandbox:${tenantId}:missing_phone:`],
  '/api/v1/notifications/{id}': ({ sent }) => [notificationOf(sent)],
  '/api/v1/notifications/{id}/cancel': ({ sent }) => [notificationOf(sent)],
  '/api/v1/notifications/{id}/reschedule': ({ sent }) => [notificationOf(sent)],
  '/api/v1/batches/{id}': ({ batchIds }) => [batchIds[0]],
  '/api/v1/batches/{id}/estimate': ({ batchIds }) => [batchIds[0]],
  '/api/v1/batches/{id}/start': ({ batchIds }) => [batchIds[0]],
  '/api/v1/batches/{id}/pause': ({ batchIds }) => [batchIds[0]],
  '/api/v1/batches/{id}/resume': ({ batchIds }) => [batchIds[0]],
  '/api/v1/batches/{id}/cancel': ({ batchIds }) => [batchIds[0]],
  '/api/v1/batches/{id}/results': ({ batchIds }) => [batchIds[0]],
  '/api/v1/batches/{id}/results/export': ({ batchIds }) => [batchIds[0]],
  '/api/v1/batches/{id}/recipients': ({ batchIds }) => [batchIds[1]],
  '/api/v1/lists/{id}': ({ listIds }) => [listIds[0]],
  '/api/v1/lists/{id}/members': ({ listIds }) => [listIds[0]],
  '/api/v1/lists/{id}/members/import': ({ listIds }) => [listIds[0]],
  '/api/v1/lists/{id}/members/remove': ({ listIds }) => [listIds[0]],
  'DELETE /api/v1/lists/{id}': ({ listIds }) => [listIds[1]],
  '/api/v1/segments/{name}/users': ({ segment }) => [segment],
  '/api/v1/sinks/{name}/pause': ({ sinks }) => [sinks[0]],
  '/api/v1/sinks/{name}/resume': ({ sinks }) => [sinks[0]],
  '/api/v1/sinks/{name}/parked': ({ sinks }) => [sinks[0]],
  '/api/v1/sinks/{name}/parked/retry': ({ sinks }) => [sinks[0]],
  '/api/v1/sinks/{name}/parked/discard': ({ sinks }) => [sinks[1]],
  '/api/v1/sources/{name}/pause': ({ source }) => [source],
  '/api/v1/sources/{name}/resume': ({ source }) => [source],
  '/api/v1/waits/{id}/cancel': ({ waitId }) => [waitId],
  '/api/v1/waits/{id}/retry': ({ setAsideWaitId }) => [setAsideWaitId],
  '/api/v1/keys/{id}': ({ keyIds }) => [keyIds[0]],
  '/api/v1/keys/{id}/rotate': ({ keyIds }) => [keyIds[1]],
  '/api/v1/jobs/{id}': ({ jobId }) => [jobId],
  '/api/v1/jobs/{id}/failures': ({ jobId }) => [jobId],
  '/api/v1/jobs/{id}/stop': ({ jobId }) => [jobId],
  '/api/v1/events/rejected/{id}/dismiss': ({ rejectedIds }) => rejectedIds.slice(0, 1),
  '/api/v1/events/rejected/{id}/retry': ({ rejectedIds }) => rejectedIds.slice(1, 2),
  '/api/v1/events/rejected/{id}/correct': ({ rejectedIds }) => rejectedIds.slice(2, 3),
  '/api/v1/audit/{user_id}': ({ userId }) => [userId],
  '/audit/{user_id}': ({ userId }) => [userId],
  '/api/v1/explain/{user_id}/{notification_type}': ({ userId, notificationType }) => [userId, notificationType],
  '/api/v1/users/{user_id}': ({ erasableId }) => [erasableId],
  '/api/v1/users/{user_id}/merge': ({ mergeableId }) => [mergeableId],
  '/api/v1/users/{user_id}/erase': ({ erasableId }) => [erasableId],
  '/api/v1/users/{user_id}/export': ({ userId }) => [userId],
  '/api/v1/users/{user_id}/forecast': ({ userId }) => [userId],
  '/api/v1/erasures/{id}': ({ erasureId }) => [erasureId],
  '/api/v1/users/{user_id}/reveal': ({ userId }) => [userId],
  '/api/v1/users/{user_id}/tokens': ({ userId }) => [userId],
  '/api/v1/users/{user_id}/devices': ({ userId }) => [userId],
  '/api/v1/users/{user_id}/devices/apns': ({ userId }) => [userId],
  '/api/v1/users/{user_id}/devices/fcm': ({ userId }) => [userId],
  '/api/v1/users/{user_id}/devices/{device_id}': ({ userId, deviceIds }) => [userId, deviceIds[0]],
  '/api/v1/users/{user_id}/addresses': ({ userId }) => [userId],
  '/api/v1/users/{user_id}/addresses/{address_id}/primary': ({ userId, addressIds }) => [userId, addressIds[0]],
  '/api/v1/users/{user_id}/addresses/{address_id}/verify': ({ userId, addressIds }) => [userId, addressIds[0]],
  '/api/v1/users/{user_id}/addresses/{address_id}/verify/confirm': ({ userId, addressIds }) => [userId, addressIds[2]],
  '/api/v1/users/{user_id}/addresses/{address_id}': ({ userId, addressIds }) => [userId, addressIds[1]],
  '/api/v1/me/devices/{device_id}': ({ deviceIds }) => [deviceIds[1]],
  '/api/v1/users/{user_id}/preferences': ({ userId }) => [userId],
  '/api/v1/users/{user_id}/pause': ({ userId }) => [userId],
  '/api/v1/users/{user_id}/consents': ({ userId }) => [userId],
  ...Object.fromEntries(
    ['/api/v1', ''].flatMap((root) => [
      [`GET ${root}/customer-notifications/{id}`, ({ userId }: Rows) => [userId]],
      [`PATCH ${root}/customer-notifications/{id}`, ({ toggleId }: Rows) => [toggleId]],
    ]),
  ),
  '/api/v1/users/{user_id}/inbox': ({ userId }) => [userId],
  '/api/v1/users/{user_id}/inbox/stream': ({ userId }) => [userId],
  '/api/v1/users/{user_id}/inbox/{mark}': ({ userId }) => [userId, 'seen-all'],
  '/api/v1/users/{user_id}/inbox/{notification_id}/{action}': ({ userId, inboxItemId }) => [
    userId,
    inboxItemId,
    'read',
  ],
  '/api/v1/me/inbox/{mark}': () => ['seen-all'],
  '/api/v1/me/inbox/{notification_id}/{action}': ({ inboxItemId }) => [inboxItemId, 'read'],
  '/api/v1/members/{member_id}': ({ memberId }) => [memberId],
  '/api/v1/connectors/{connector}/secrets': ({ connector }) => [connector],
  '/api/v1/connector-tasks/{task_id}/retry': ({ deadTaskId }) => [deadTaskId],
  '/api/v1/users/{user_id}/products': ({ userId }) => [userId],
  '/api/v1/users/{user_id}/products/register': ({ userId }) => [userId],
  '/api/v1/users/{user_id}/products/{product_id}/calls/{call}': ({ userId, productId }) => [
    userId,
    productId,
    'get_card_list',
  ],
  '/api/v1/issuers/{issuer}': ({ issuer }) => [issuer],
  '/api/v1/provider-accounts/{account}': ({ accounts }) => [accounts[0]],
  '/api/v1/provider-accounts/{account}/check': ({ accounts }) => [accounts[1]],
  '/api/v1/provider-accounts/{account}/test-send': ({ accounts }) => [accounts[1]],
  '/api/v1/webhooks/{endpoint_id}': ({ endpointIds }) => [endpointIds[0]],
  '/api/v1/webhooks/{endpoint_id}/rotate-secret': ({ endpointIds }) => [endpointIds[1]],
  '/api/v1/webhooks/{endpoint_id}/test': ({ endpointIds }) => [endpointIds[1]],
  '/api/v1/webhooks/{endpoint_id}/replay': ({ endpointIds }) => [endpointIds[1]],
  '/api/v1/webhooks/{endpoint_id}/deliveries': ({ endpointIds }) => [endpointIds[1]],
  '/api/v1/webhooks/{endpoint_id}/deliveries/{delivery_id}/replay': ({ endpointIds, webhook }) => [
    endpointIds[1],
    webhook,
  ],
  '/api/v1/suppressions/{id}': ({ suppressionId }) => [suppressionId],
  '/api/v1/suppressions/{id}/lift': ({ suppressionId }) => [suppressionId],
  '/api/v1/templates/{id}': ({ templateIds }) => [templateIds[0]],
  '/api/v1/templates/{id}/versions': ({ templateIds }) => [templateIds[1]],
  '/api/v1/templates/{id}/localizations': ({ templateIds }) => [templateIds[1]],
  '/api/v1/templates/{id}/activate': ({ templateIds }) => [templateIds[1]],
  '/api/v1/templates/{id}/rollback': ({ templateIds }) => [templateIds[1]],
  '/api/v1/templates/{id}/archive': ({ templateIds }) => [templateIds[2]],
  '/api/v1/templates/{id}/variants': ({ templateIds }) => [templateIds[3]],
  '/api/v1/templates/{id}/variants/results': ({ templateIds }) => [templateIds[3]],
  '/api/v1/releases/{id}': ({ releaseId }) => [releaseId],
  '/api/v1/releases/{id}/share': ({ releaseId }) => [releaseId],
  '/api/v1/releases/{id}/finish': ({ releaseId }) => [releaseId],
  '/api/v1/releases/{id}/rollback': ({ releaseId }) => [releaseId],
  '/api/v1/tenants/{tenant_id}': ({ tenantId }) => [tenantId],
  '/api/v1/tenants/{tenant_id}/suspend': ({ tenantId }) => [tenantId],
  '/api/v1/tenants/{tenant_id}/move': ({ tenantId }) => [tenantId],
  '/api/v1/tenants/{tenant_id}/resume': ({ tenantId }) => [tenantId],
};

const QUERIES: { readonly [template: string]: (rows: Rows) => string } = {
  '/api/v1/catalog/diff': () => '?from=1&to=2',
  'GET /api/v1/templates/translations': () => '?to=es',
  '/api/v1/metrics/reasons/users': () => '?reason=limit_reached',
  '/api/v1/metrics/export': () => '?view=groups',
  '/api/v1/audit': ({ correlationId }) => `?correlation_id=${encodeURIComponent(correlationId)}`,
};

/** Parameters of queries that name something of a tenant. */
export const FILTERS: { readonly [parameter: string]: (rows: Rows) => string } = {
  user_id: ({ userId }) => userId,
  rule: ({ rule }) => rule,
  notification_type: ({ notificationType }) => notificationType,
  type: ({ notificationType }) => notificationType,
  correlation_id: ({ correlationId }) => correlationId,
  prefix: ({ userId }) => userId.slice(0, 5),
  contains: ({ userId }) => userId.slice(1, 5),
  name: ({ userId }) => userId,
  actor: ({ keyIds }) => keyIds[0],
  subject: ({ memberId }) => memberId,
};

const EVENT = { user_id: 'own corrected', event_type: 'mailed', event_timestamp: '2025-11-20T12:00:00Z' };
const TEMPLATE_PARTS = { subject: 'Own subject', text: 'Own text' };
const NOTHING = () => undefined;
const REASON = () => ({ reason: 'The user asked what was sent' });
const CONSENT = { purpose: 'MARKETING', channel: 'push', state: 'granted', source: 'test' };
const IMPORTED_CONSENT = { purpose: 'MARKETING', channel: 'push', state: 'granted', at: '2025-01-02T03:04:05Z' };
const BODIES: { readonly [operation: string]: (rows: Rows) => unknown } = {
  'POST /api/v1/deliveries/{id}/retry': NOTHING,
  'POST /api/v1/deliveries/{id}/cancel': NOTHING,
  'POST /api/v1/deliveries/{id}/reveal': REASON,
  'POST /api/v1/notifications': ({ notificationType, userId }) => ({
    type: notificationType,
    recipients: [{ user_id: userId }],
  }),
  'POST /api/v1/notifications/{id}/cancel': NOTHING,
  'POST /api/v1/notifications/{id}/reschedule': () => ({ scheduled_at: '2025-11-21T12:00:00Z' }),
  'POST /api/v1/batches': ({ notificationType }) => ({ type: notificationType }),
  'PATCH /api/v1/batches/{id}': () => ({ per_second: 7 }),
  'PUT /api/v1/batches/{id}/recipients': () => '{"user_id":"own recipient"}\n',
  'POST /api/v1/batches/{id}/start': NOTHING,
  'POST /api/v1/batches/{id}/pause': NOTHING,
  'POST /api/v1/batches/{id}/resume': NOTHING,
  'POST /api/v1/batches/{id}/cancel': NOTHING,
  'POST /api/v1/lists': () => ({ name: 'own new list' }),
  'PATCH /api/v1/lists/{id}': () => ({ name: 'own other name' }),
  'DELETE /api/v1/lists/{id}': NOTHING,
  'POST /api/v1/lists/{id}/members': () => ({ user_ids: ['own member'] }),
  'POST /api/v1/lists/{id}/members/import': () => '{"user_id":"own imported member"}\n',
  'POST /api/v1/lists/{id}/members/remove': ({ userId }) => ({ user_ids: [userId] }),
  'POST /api/v1/segments/preview': () => ({ condition: 'true' }),
  'POST /api/v1/sinks/{name}/pause': NOTHING,
  'POST /api/v1/sinks/{name}/resume': NOTHING,
  'POST /api/v1/sinks/{name}/parked/retry': NOTHING,
  'POST /api/v1/sinks/{name}/parked/discard': NOTHING,
  'POST /api/v1/sources/{name}/pause': NOTHING,
  'POST /api/v1/sources/{name}/resume': NOTHING,
  'POST /api/v1/consents/import': ({ userId }) =>
    `${JSON.stringify({ ...IMPORTED_CONSENT, user_id: userId, id: `import of ${userId}` })}\n`,
  'POST /api/v1/waits/{id}/cancel': NOTHING,
  'POST /api/v1/waits/{id}/retry': NOTHING,
  'POST /api/v1/jobs/{id}/stop': NOTHING,
  'POST /api/v1/events/rejected/{id}/dismiss': NOTHING,
  'POST /api/v1/events/rejected/{id}/retry': () => EVENT,
  'POST /api/v1/events/rejected/{id}/correct': () => ({ patch: { event_timestamp: EVENT.event_timestamp } }),
  'POST /api/v1/jobs/preview': ({ userId }) => ({ action: 'deliveries.cancel', filter: { user_id: userId } }),
  'POST /api/v1/jobs': ({ rule }) => ({ action: 'waits.cancel', filter: { rule } }),
  'POST /api/v1/keys': () => ({ name: 'own', scopes: ['users:read'] }),
  'PATCH /api/v1/keys/{id}': () => ({ name: 'own again' }),
  'DELETE /api/v1/keys/{id}': NOTHING,
  'POST /api/v1/keys/{id}/rotate': () => ({}),
  'POST /api/v1/events': () => [],
  'POST /events': () => [],
  // One that was started would keep the operations after it from changing the catalog: test/audited-operations.test.ts starts some.
  'POST /api/v1/releases': () => ({ version: 9999, share: 10 }),
  'POST /api/v1/releases/{id}/share': () => ({ share: 50 }),
  'POST /api/v1/releases/{id}/finish': () => ({ reason: 'Own reason' }),
  'POST /api/v1/releases/{id}/rollback': () => ({ reason: 'Own reason' }),
  'POST /api/v1/catalog': () => ({ files: Object.fromEntries(catalogOf('own', 3)), dry_run: true }),
  'POST /api/v1/catalog/rollback': () => ({ version: 1 }),
  'POST /api/v1/catalog/check': () => ({ files: Object.fromEntries(catalogOf('own')) }),
  'POST /api/v1/catalog/cases': () => ({ files: Object.fromEntries(catalogOf('own')) }),
  'POST /api/v1/catalog/cases/from-event': ({ userId }) => ({
    files: Object.fromEntries(catalogOf('own')),
    user_id: userId,
    event_id: userId.replace(' ', ' mailed '),
  }),
  'POST /api/v1/catalog/try': ({ userId }) => ({
    files: Object.fromEntries(catalogOf('own')),
    user_id: userId,
    event_id: userId.replace(' ', ' mailed '),
  }),
  'POST /api/v1/catalog/render': ({ notificationType, userId }) => ({
    notification_type: notificationType,
    changes: true,
    cells: [{ channel: 'email', user_id: userId, event_id: userId.replace(' ', ' mailed ') }],
  }),
  'POST /api/v1/catalog/backtest': () => ({
    files: Object.fromEntries(catalogOf('own')),
    since: '7d',
  }),
  'PUT /api/v1/users/{user_id}': () => ({ traits: { plan: 'a' } }),
  'PATCH /api/v1/users/{user_id}': () => ({ traits: { plan: 'b' } }),
  'POST /api/v1/users/bulk': () => ({ users: [{ user_id: 'own bulk', traits: {} }] }),
  'POST /api/v1/search': ({ userId }) => ({ text: userId }),
  'POST /api/v1/users/search': () => ({ kind: 'email', address: 'unknown@own.example' }),
  'POST /api/v1/users/{user_id}/merge': ({ userId }) => ({ into: userId }),
  'POST /api/v1/users/{user_id}/erase': NOTHING,
  'POST /api/v1/users/{user_id}/export': REASON,
  'POST /api/v1/users/{user_id}/reveal': REASON,
  'POST /api/v1/users/{user_id}/tokens': () => ({}),
  'POST /api/v1/users/{user_id}/devices': () => ({ platform: 'android', token: 'own-token:1' }),
  'POST /api/v1/users/{user_id}/devices/apns': () => ({ registration_id: 'a1b2c3d4e5' }),
  'POST /api/v1/users/{user_id}/devices/fcm': () => ({ registration_id: 'own-token:2' }),
  'DELETE /api/v1/users/{user_id}/devices/{device_id}': NOTHING,
  'PUT /api/v1/users/{user_id}/preferences': () => ({ channels: { sms: false } }),
  'PUT /api/v1/users/{user_id}/pause': () => ({ until: '2025-11-21T12:00:00Z', reason: 'Complaint' }),
  'DELETE /api/v1/users/{user_id}/pause': NOTHING,
  'PATCH /api/v1/users/{user_id}/preferences': () => ({ channels: { push: false } }),
  'POST /api/v1/users/{user_id}/consents': () => CONSENT,
  'POST /api/v1/me/consents': () => CONSENT,
  'PATCH /api/v1/customer-notifications/{id}': () => ({ enabled: true }),
  'PATCH /customer-notifications/{id}': () => ({ enabled: false }),
  'PUT /api/v1/me/preferences': () => ({ channels: { sms: false } }),
  'PATCH /api/v1/me/preferences': () => ({ channels: { push: false } }),
  'POST /api/v1/users/{user_id}/addresses': () => ({ kind: 'email', address: 'new@own.example' }),
  'POST /api/v1/users/{user_id}/addresses/{address_id}/primary': NOTHING,
  'POST /api/v1/users/{user_id}/addresses/{address_id}/verify': ({ notificationType }) => ({ type: notificationType }),
  'POST /api/v1/users/{user_id}/addresses/{address_id}/verify/confirm': () => ({ code: CODE }),
  'DELETE /api/v1/users/{user_id}/addresses/{address_id}': NOTHING,
  'POST /api/v1/me/devices': () => ({ platform: 'android', token: 'own-token:3' }),
  'POST /api/v1/me/devices/apns': () => ({ registration_id: 'a1b2c3d4e6' }),
  'POST /api/v1/me/devices/fcm': () => ({ registration_id: 'own-token:4' }),
  'DELETE /api/v1/me/devices/{device_id}': NOTHING,
  'POST /api/v1/users/{user_id}/inbox/{mark}': () => ({}),
  'POST /api/v1/users/{user_id}/inbox/{notification_id}/{action}': NOTHING,
  'POST /api/v1/me/inbox/{mark}': () => ({}),
  'POST /api/v1/me/inbox/{notification_id}/{action}': NOTHING,
  'POST /api/v1/members': () => ({ email: 'new@own.example', role: 'viewer' }),
  'PATCH /api/v1/members/{member_id}': () => ({ role: 'support' }),
  'DELETE /api/v1/members/{member_id}': NOTHING,
  'PUT /api/v1/connectors/{connector}/secrets': () => ({ shared_key: 'a key' }),
  'POST /api/v1/connector-tasks/retry': () => ({ connector: 'no connector' }),
  'POST /api/v1/connector-tasks/{task_id}/retry': NOTHING,
  'POST /api/v1/users/{user_id}/products/register': () => ({}),
  'POST /api/v1/users/{user_id}/products/{product_id}/calls/{call}': () => ({}),
  'PUT /api/v1/issuers/{issuer}': () => ISSUER,
  'DELETE /api/v1/issuers/{issuer}': NOTHING,
  'POST /api/v1/provider-accounts': () => ({ ...ACCOUNT, account: 'new' }),
  'PATCH /api/v1/provider-accounts/{account}': () => ({ place: 7 }),
  'DELETE /api/v1/provider-accounts/{account}': NOTHING,
  'POST /api/v1/provider-accounts/{account}/check': NOTHING,
  'POST /api/v1/provider-accounts/{account}/test-send': () => ({ to: { email: 'not an address' } }),
  'POST /api/v1/webhooks': () => WEBHOOK,
  'POST /api/v1/webhooks/portal-links': NOTHING,
  'POST /api/v1/webhooks/portal-sessions': () => ({ link: 'unknown' }),
  'PATCH /api/v1/webhooks/{endpoint_id}': () => ({ description: 'own again' }),
  'DELETE /api/v1/webhooks/{endpoint_id}': NOTHING,
  'POST /api/v1/webhooks/{endpoint_id}/rotate-secret': NOTHING,
  'POST /api/v1/webhooks/{endpoint_id}/test': NOTHING,
  'POST /api/v1/webhooks/{endpoint_id}/replay': NOTHING,
  'POST /api/v1/webhooks/{endpoint_id}/deliveries/{delivery_id}/replay': NOTHING,
  'POST /api/v1/suppressions': () => ({ channel: 'email', address: 'stop@own.example', scope: 'all' }),
  'POST /api/v1/suppressions/import': () => ({ suppressions: [{ channel: 'email', address: 'list@own.example' }] }),
  'POST /api/v1/sending/resume': () => ({ notification_type: 'PAUSED' }),
  'POST /api/v1/suppressions/search': () => ({ channel: 'email', address: 'stop@own.example' }),
  'POST /api/v1/suppressions/{id}/lift': () => ({}),
  'POST /api/v1/templates': ({ notificationType }) => ({
    name: 'own new',
    type: notificationType,
    channel: 'email',
    parts: TEMPLATE_PARTS,
  }),
  'PATCH /api/v1/templates/{id}': () => ({ parts: TEMPLATE_PARTS }),
  'DELETE /api/v1/templates/{id}': NOTHING,
  'POST /api/v1/templates/{id}/localizations': () => ({ locale: 'es', parts: TEMPLATE_PARTS }),
  'POST /api/v1/templates/{id}/activate': () => ({}),
  'POST /api/v1/templates/{id}/rollback': () => ({}),
  'POST /api/v1/templates/{id}/archive': NOTHING,
  'PUT /api/v1/templates/{id}/variants': () => ({
    shares: { default: 50, short: 50 },
    metric: 'opened',
    planned_users: 100,
  }),
  'DELETE /api/v1/templates/{id}/variants': NOTHING,
  'POST /api/v1/templates/seed': () => ({
    files: Object.fromEntries([...catalogOf('own')].filter(([path]) => path.startsWith('templates/'))),
  }),
  'POST /api/v1/templates/translations': ({ notificationType }) => ({
    to: 'es',
    units: ['subject', 'text'].map((part) => ({ id: `${notificationType.toLowerCase()}3/${part}`, target: 'Own' })),
  }),
  'POST /api/v1/templates/preview': ({ notificationType, userId }) => ({
    notification_type: notificationType,
    channel: 'email',
    user_id: userId,
  }),
  'POST /api/v1/templates/test': ({ notificationType, userId }) => ({
    notification_type: notificationType,
    user_id: userId,
  }),
  'POST /api/v1/signing-keys/rotate': () => ({}),
  'POST /api/v1/tenants': () => ({ tenant_id: 'new', name: 'New' }),
  'PATCH /api/v1/tenants/{tenant_id}': () => ({ name: 'Own' }),
  'DELETE /api/v1/tenants/{tenant_id}': NOTHING,
  'POST /api/v1/tenants/{tenant_id}/suspend': NOTHING,
  'POST /api/v1/tenants/{tenant_id}/move': NOTHING,
  'POST /api/v1/tenants/{tenant_id}/resume': NOTHING,
  'PATCH /api/v1/tenant': () => ({ name: 'Own' }),
  'PUT /api/v1/catalog/follow': () => ({ tenant_id: BASE }),
  'POST /api/v1/session': () => ({ link: 'an unknown link' }),
  'DELETE /api/v1/session': NOTHING,
};

/** Returns the id of the notification of a delivery. */
function notificationOf(deliveryId: string): string {
  return deliveryId.split('.')[0] ?? '';
}
