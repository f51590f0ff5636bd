import { afterAll, beforeAll, expect, test } from 'vitest';
import { endReleases, withRelease } from './support/release-operations.ts';
import { call, listOperations, type Operation } from './support/tenant-operations.ts';
import { catalogOf, type TwoTenants, twoTenants } from './support/two-tenants.ts';

/** Every operation of the OpenAPI document that changes something leaves one entry in the audit log: who, what, before and after. */

/** The action of each operation, and whether there was something before and after. */
const AUDITED: {
  readonly [operation: string]: readonly [
    action: string | readonly string[],
    states: 'both' | 'after' | 'before' | 'none',
  ];
} = {
  'POST /api/v1/deliveries/{id}/retry': ['delivery.retried', 'both'],
  'POST /api/v1/deliveries/{id}/cancel': ['delivery.cancelled', 'both'],
  'POST /api/v1/deliveries/{id}/reveal': ['delivery.revealed', 'none'],
  'PUT /api/v1/users/{user_id}': ['user.changed', 'none'],
  'PATCH /api/v1/users/{user_id}': ['user.changed', 'none'],
  'POST /api/v1/users/bulk': ['users.changed', 'none'],
  'POST /api/v1/users/{user_id}/export': ['user.exported', 'none'],
  'POST /api/v1/users/{user_id}/merge': [['user.merged', 'user.merged'], 'none'],
  'POST /api/v1/users/{user_id}/erase': ['user.erased', 'none'],
  'POST /api/v1/users/{user_id}/reveal': ['user.revealed', 'none'],
  'POST /api/v1/users/{user_id}/addresses': ['address.added', 'after'],
  'POST /api/v1/users/{user_id}/addresses/{address_id}/primary': ['address.changed', 'both'],
  'POST /api/v1/users/{user_id}/addresses/{address_id}/verify/confirm': ['address.verified', 'none'],
  'DELETE /api/v1/users/{user_id}/addresses/{address_id}': ['address.removed', 'before'],
  'POST /api/v1/notifications/{id}/cancel': ['notification.cancelled', 'both'],
  'POST /api/v1/waits/{id}/cancel': ['wait.cancelled', 'both'],
  'POST /api/v1/waits/{id}/retry': ['wait.retried', 'both'],
  'POST /api/v1/batches': ['batch.created', 'after'],
  'PATCH /api/v1/batches/{id}': ['batch.rate_changed', 'both'],
  'PUT /api/v1/batches/{id}/recipients': ['batch.recipients_added', 'none'],
  'POST /api/v1/batches/{id}/start': ['batch.started', 'both'],
  'POST /api/v1/batches/{id}/pause': ['batch.paused', 'both'],
  'POST /api/v1/batches/{id}/resume': ['batch.resumed', 'both'],
  'POST /api/v1/batches/{id}/cancel': ['batch.cancelled', 'both'],
  'POST /api/v1/jobs': ['job.started', 'after'],
  'POST /api/v1/jobs/{id}/stop': ['job.stopped', 'both'],
  'POST /api/v1/events/rejected/{id}/dismiss': ['event.dismissed', 'before'],
  'POST /api/v1/events/rejected/{id}/retry': ['event.retried', 'before'],
  'POST /api/v1/events/rejected/{id}/correct': ['event.retried', 'before'],
  'POST /api/v1/keys': ['key.created', 'after'],
  'PATCH /api/v1/keys/{id}': ['key.changed', 'both'],
  'DELETE /api/v1/keys/{id}': ['key.revoked', 'both'],
  'POST /api/v1/keys/{id}/rotate': ['key.rotated', 'both'],
  'POST /api/v1/catalog': ['catalog.applied', 'both'],
  'POST /api/v1/catalog/rollback': ['catalog.rolled_back', 'both'],
  'POST /api/v1/releases': ['release.started', 'after'],
  'POST /api/v1/releases/{id}/share': ['release.share_changed', 'both'],
  'POST /api/v1/releases/{id}/finish': ['release.finished', 'both'],
  'POST /api/v1/releases/{id}/rollback': ['release.rolled_back', 'both'],
  'POST /api/v1/templates': ['template.created', 'after'],
  'PATCH /api/v1/templates/{id}': ['template.changed', 'both'],
  'DELETE /api/v1/templates/{id}': ['template.deleted', 'before'],
  'POST /api/v1/templates/{id}/localizations': ['template.localized', 'after'],
  'POST /api/v1/templates/{id}/activate': [['catalog.applied', 'template.activated'], 'after'],
  'POST /api/v1/templates/{id}/rollback': [['catalog.applied', 'template.rolled_back'], 'both'],
  'POST /api/v1/templates/{id}/archive': ['template.archived', 'both'],
  'PUT /api/v1/templates/{id}/variants': [['catalog.applied', 'template_test.started'], 'after'],
  'DELETE /api/v1/templates/{id}/variants': ['template_test.ended', 'before'],
  'POST /api/v1/templates/seed': [
    ['template.created', 'template.created', 'catalog.applied', 'template.activated', 'template.activated'],
    'after',
  ],
  'POST /api/v1/templates/translations': ['template.created', 'after'],
  'PUT /api/v1/catalog/follow': ['catalog.applied', 'both'],
  'POST /api/v1/members': ['member.added', 'after'],
  'PATCH /api/v1/members/{member_id}': ['member.changed', 'both'],
  'DELETE /api/v1/members/{member_id}': ['member.removed', 'before'],
  'PUT /api/v1/connectors/{connector}/secrets': ['connector.secrets_changed', 'both'],
  'POST /api/v1/connector-tasks/retry': ['connector_tasks.retried', 'none'],
  'POST /api/v1/connector-tasks/{task_id}/retry': ['connector_task.retried', 'both'],
  'POST /api/v1/users/{user_id}/products/register': ['products.registration_asked', 'none'],
  'POST /api/v1/users/{user_id}/products/{product_id}/calls/{call}': ['card_network.called', 'none'],
  'PUT /api/v1/issuers/{issuer}': ['issuer.changed', 'both'],
  'DELETE /api/v1/issuers/{issuer}': ['issuer.deleted', 'before'],
  'POST /api/v1/signing-keys/rotate': ['signing_key.rotated', 'both'],
  'POST /api/v1/tenants': ['tenant.created', 'after'],
  'PATCH /api/v1/tenants/{tenant_id}': ['tenant.changed', 'both'],
  'DELETE /api/v1/tenants/{tenant_id}': ['tenant.deleted', 'both'],
  'POST /api/v1/tenants/{tenant_id}/suspend': ['tenant.suspended', 'both'],
  'POST /api/v1/tenants/{tenant_id}/move': ['tenant.moving', 'both'],
  'POST /api/v1/tenants/{tenant_id}/resume': ['tenant.resumed', 'both'],
  'PATCH /api/v1/tenant': ['tenant.changed', 'both'],
  'POST /api/v1/provider-accounts': ['account.created', 'after'],
  'PATCH /api/v1/provider-accounts/{account}': ['account.changed', 'both'],
  'DELETE /api/v1/provider-accounts/{account}': ['account.deleted', 'before'],
  'POST /api/v1/provider-accounts/{account}/test-send': ['account.tested', 'none'],
  'POST /api/v1/webhooks': ['webhook.created', 'after'],
  'PATCH /api/v1/webhooks/{endpoint_id}': ['webhook.changed', 'both'],
  'DELETE /api/v1/webhooks/{endpoint_id}': ['webhook.deleted', 'before'],
  'POST /api/v1/webhooks/{endpoint_id}/rotate-secret': ['webhook.secret_rotated', 'both'],
  'POST /api/v1/webhooks/{endpoint_id}/replay': ['job.started', 'after'],
  'POST /api/v1/webhooks/portal-links': ['webhook_portal.link_made', 'none'],
  'POST /api/v1/webhooks/{endpoint_id}/deliveries/{delivery_id}/replay': ['delivery.replayed', 'none'],
  'POST /api/v1/lists': ['list.created', 'after'],
  'PATCH /api/v1/lists/{id}': ['list.changed', 'both'],
  'DELETE /api/v1/lists/{id}': ['list.deleted', 'before'],
  'POST /api/v1/lists/{id}/members': ['list.members_added', 'none'],
  'POST /api/v1/lists/{id}/members/import': ['list.members_added', 'none'],
  'POST /api/v1/lists/{id}/members/remove': ['list.members_removed', 'none'],
  'POST /api/v1/consents/import': ['consents.imported', 'none'],
  'POST /api/v1/suppressions': ['suppression.added', 'after'],
  'POST /api/v1/suppressions/{id}/lift': ['suppression.removed', 'before'],
  'POST /api/v1/suppressions/import': ['suppression.added', 'after'],
  'POST /api/v1/sinks/{name}/pause': ['sink.paused', 'both'],
  'POST /api/v1/sinks/{name}/resume': ['sink.resumed', 'both'],
  'POST /api/v1/sinks/{name}/parked/retry': ['sink.retried', 'none'],
  'POST /api/v1/sinks/{name}/parked/discard': ['sink.discarded', 'none'],
  'POST /api/v1/sources/{name}/pause': ['source.paused', 'both'],
  'POST /api/v1/sources/{name}/resume': ['source.resumed', 'both'],
  'POST /api/v1/sending/resume': ['email.resumed', 'none'],
  'PUT /api/v1/users/{user_id}/preferences': ['preferences.changed', 'both'],
  'PATCH /api/v1/users/{user_id}/preferences': ['preferences.changed', 'both'],
  'PUT /api/v1/users/{user_id}/pause': ['user.paused', 'both'],
  'DELETE /api/v1/users/{user_id}/pause': ['user.resumed', 'both'],
  'PATCH /api/v1/customer-notifications/{id}': ['preferences.changed', 'both'],
  'PATCH /customer-notifications/{id}': ['preferences.changed', 'both'],
  'POST /api/v1/users/{user_id}/consents': ['consent.recorded', 'after'],
};

/** Operations without an entry, each with the reason. */
const NOT_AUDITED: { readonly [operation: string]: string } = {
  'POST /api/v1/events': 'what is posted is itself stored, with its decisions',
  'POST /events': 'the same',
  'POST /api/v1/notifications': 'what is asked for is itself stored as an event, with who asked',
  'POST /api/v1/notifications/{id}/reschedule': 'the same',
  'POST /api/v1/templates/test': 'the same',
  'POST /api/v1/users/{user_id}/addresses/{address_id}/verify': 'the same',
  'POST /api/v1/jobs/preview': 'changes nothing',
  'POST /api/v1/users/{user_id}/tokens': 'a token is not stored, and works for minutes',
  'POST /api/v1/session': 'a login; that a link made an owner is an entry (owner-link.test.ts)',
  'DELETE /api/v1/session': 'a logout',
  'POST /api/v1/webhooks/portal-sessions': 'that a link was used is an entry (webhook-portal.test.ts)',
  'POST /api/v1/suppressions/search': 'changes nothing',
  'POST /api/v1/users/search': 'changes nothing',
  'POST /api/v1/search': 'changes nothing',
  'POST /api/v1/segments/preview': 'changes nothing',
  'POST /api/v1/catalog/check': 'changes nothing',
  'POST /api/v1/catalog/cases': 'changes nothing',
  'POST /api/v1/catalog/cases/from-event': 'changes nothing',
  'POST /api/v1/catalog/try': 'changes nothing',
  'POST /api/v1/catalog/render': 'changes nothing',
  'POST /api/v1/catalog/backtest': 'changes nothing',
  'POST /api/v1/templates/preview': 'changes nothing',
  'POST /api/v1/provider-accounts/{account}/check': 'changes nothing',
  'POST /api/v1/webhooks/{endpoint_id}/test': 'changes nothing',
  ...Object.fromEntries(
    ['POST /api/v1/users/{user_id}/devices', 'POST /api/v1/me/devices'].flatMap((path) =>
      ['', '/apns', '/fcm'].map((service) => [path + service, 'the app of a user, which does so at each start']),
    ),
  ),
  'DELETE /api/v1/users/{user_id}/devices/{device_id}': 'the device itself says when it was retired, and why',
  'DELETE /api/v1/me/devices/{device_id}': 'the same',
  'PUT /api/v1/me/preferences': 'the user did it, and it is an event of theirs',
  'PATCH /api/v1/me/preferences': 'the same',
  'POST /api/v1/me/consents': 'the same, with its evidence among the consents',
  ...Object.fromEntries(
    ['users/{user_id}', 'me'].flatMap((whose) =>
      ['{mark}', '{notification_id}/{action}'].map((what) => [
        `POST /api/v1/${whose}/inbox/${what}`,
        'what a user reads is no change by an operator; the items keep its times',
      ]),
    ),
  ),
};

const BODIES: { readonly [operation: string]: unknown } = {
  'POST /api/v1/catalog': { files: Object.fromEntries(catalogOf('own', 5)) },
  'PATCH /api/v1/tenant': { name: 'Own again', settings: { mail_from: 'Own <hello@own.example>' } },
};

interface Entry {
  readonly tenant_id: string;
  readonly entry_id: string;
  readonly actor_kind: string;
  readonly action: string;
  readonly subject: string;
  readonly before: object | null;
  readonly after: object | null;
}

let both: TwoTenants;

beforeAll(async () => {
  both = await twoTenants();
});
afterAll(() => both.close());

/** Returns the entries of one log, in order: a change of a tenant is also in the log of that tenant. */
async function loadEntries(): Promise<Entry[]> {
  const { rows } = await both.tidings.database.pool.query<Entry>(
    `select * from audit_log where tenant_id = 'default' order by entry_id`,
  );
  return rows;
}

/** Returns all operations that are no reads; of tenants, those of the other one, which is deleted last. */
async function listChanges(): Promise<Operation[]> {
  const own = await listOperations(both.server, both.own);
  const others = await listOperations(both.server, both.other);
  const isOfTenants = ({ name }: Operation) => name.includes('/api/v1/tenants/');
  const changes = [...own.filter((one) => !isOfTenants(one)), ...others.filter(isOfTenants)];
  return changes
    .filter(({ method }) => method !== 'GET')
    .map((one) => (one.name in BODIES ? { ...one, body: BODIES[one.name] } : one))
    .sort((a, b) => Number(a.method === 'DELETE') - Number(b.method === 'DELETE'));
}

test('each operation that changes something leaves one entry, a merge of users one for each, with its actor, target, and the states before and after', async () => {
  const changes = await listChanges();
  const names = changes.map(({ name }) => name).sort();
  expect(names, 'say in this test what each operation leaves').toEqual(
    [...Object.keys(AUDITED), ...Object.keys(NOT_AUDITED)].sort(),
  );
  for (const listed of changes) {
    const operation = await withRelease(both, listed);
    const before = await loadEntries();
    const { status } = await call(both, operation);
    const added = (await loadEntries()).slice(before.length);
    await endReleases(both.server);
    const expected = AUDITED[operation.name];
    if (!expected) {
      expect([operation.name, added]).toEqual([operation.name, []]);
      continue;
    }
    const [written, states] = expected;
    const actions = [written].flat();
    expect([operation.name, status < 300]).toEqual([operation.name, true]);
    expect([operation.name, added.map((entry) => entry.action)]).toEqual([operation.name, actions]);
    // The last one is that of the operation itself.
    const entry = added.at(-1) as Entry;
    expect([operation.name, entry.actor_kind, entry.subject === '']).toEqual([operation.name, 'local', false]);
    const has = [entry.before !== null, entry.after !== null];
    expect([operation.name, has]).toEqual([operation.name, [/both|before/.test(states), /both|after/.test(states)]]);
    if (states === 'both' && actions.at(-1) !== 'issuer.changed')
      expect(entry.before, operation.name).not.toEqual(entry.after);
  }
});

test('no entry has an address or the text of a key', async () => {
  const { rows } = await both.tidings.database.pool.query('select * from audit_log');
  expect(JSON.stringify(rows)).not.toMatch(
    /new@own|own@(one|two)|hello@own|own@example\.com|secret@example\.com|td_(live|test)_/,
  );
});
