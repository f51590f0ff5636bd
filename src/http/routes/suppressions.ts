import { Readable } from 'node:stream';
import { TidingsError } from '../../errors.ts';
import { CHANNEL_DESCRIPTORS } from '../../model/channels/channels.ts';
import type { Millis } from '../../model/event.ts';
import type { SuppressibleChannel, Suppression } from '../../model/suppression.ts';
import { maskAddressTrait, redact } from '../../privacy/mask.ts';
import { toNormalAddress } from '../../privacy/normal-address.ts';
import type { Seal } from '../../privacy/seal.ts';
import { withTransaction } from '../../store/pg/transaction.ts';
import {
  addSuppressions,
  liftSuppression,
  listSuppressions,
  loadSuppression,
  streamSuppressions,
} from '../../store/suppressions.ts';
import { answerAsOf } from '../answer-as-of.ts';
import type { App, HttpDependencies } from '../app.ts';
import { Cursors } from '../cursor.ts';
import {
  importedSuppressions,
  liftBody,
  newSuppression,
  suppression,
  suppressionExport,
  suppressionExportQuery,
  suppressionImport,
  suppressionPage,
  suppressionParams,
  suppressionQuery,
  suppressionSearch,
} from '../schemas/suppressions.ts';

/** Matches of a search, at most: one for each scope. */
const MAX_MATCHES = 100;

/** Addresses that get no messages: listed, added and lifted. */
export function registerSuppressionRoutes(app: App, { database, seal, clock }: HttpDependencies): void {
  const cursors = new Cursors(seal);
  const notFound = () => new TidingsError('not_found', 'There is no such suppression.');

  app.get(
    '/api/v1/suppressions',
    {
      config: { scope: 'suppressions:read' },
      schema: {
        operationId: 'listSuppressions',
        summary: 'List addresses that get no messages, newest first',
        tags: ['suppressions'],
        querystring: suppressionQuery,
        response: { 200: suppressionPage },
      },
    },
    async (request) => {
      const { principal, query } = request;
      const { channel = null, reason = null, user_id: userId = null, limit } = query;
      const cursor = cursors.read(request, ['uuid']);
      const filter = { channel, reason, addressHash: null, userId };
      const pool = database.forTenant(principal.tenantId);
      const suppressions = await listSuppressions(pool, principal.tenantId, filter, limit, cursor?.[0] ?? null);
      const next = cursors.next(request, suppressions, limit, (last) => [last.suppression_id]);
      return { suppressions, next };
    },
  );

  app.get(
    '/api/v1/suppressions/export',
    {
      config: { scope: 'suppressions:read', mediaType: 'application/x-ndjson' },
      schema: {
        operationId: 'exportSuppressions',
        summary: 'Export suppressions as NDJSON, newest first; a connection that breaks off before the end is an error',
        tags: ['suppressions'],
        querystring: suppressionExportQuery,
        response: { 200: suppressionExport },
      },
    },
    async ({ principal: { tenantId }, query: { channel = null, reason = null } }, reply) => {
      const filter = { channel, reason, addressHash: null };
      const read = await database.readsOf(tenantId).stream(async function* (pool) {
        for await (const page of streamSuppressions(pool, tenantId, filter)) yield toLines(page);
      });
      const lines = Readable.from(answerAsOf(reply, read));
      return reply.type('application/x-ndjson').send(lines as unknown as string);
    },
  );

  app.get(
    '/api/v1/suppressions/:id',
    {
      config: { scope: 'suppressions:read', errors: ['not_found'] },
      schema: {
        operationId: 'getSuppression',
        summary: 'Show a suppression with its evidence',
        tags: ['suppressions'],
        params: suppressionParams,
        response: { 200: suppression },
      },
    },
    async ({ principal, params }) => {
      const id = requireUuid(params.id);
      const found = id && (await loadSuppression(database.forTenant(principal.tenantId), principal.tenantId, id));
      if (!found) throw notFound();
      return found;
    },
  );

  app.post(
    '/api/v1/suppressions/search',
    {
      config: { scope: 'suppressions:read', idempotent: false },
      schema: {
        operationId: 'searchSuppressions',
        summary: 'List the suppressions of one address',
        tags: ['suppressions'],
        body: suppressionSearch,
        response: { 200: suppressionPage },
      },
    },
    async ({ principal, body }) => {
      const filter = {
        channel: body.channel,
        reason: null,
        addressHash: hashAddress(seal, body.channel, body.address),
      };
      const pool = database.forTenant(principal.tenantId);
      return { suppressions: await listSuppressions(pool, principal.tenantId, filter, MAX_MATCHES, null), next: null };
    },
  );

  app.post(
    '/api/v1/suppressions',
    {
      config: { scope: 'suppressions:write' },
      schema: {
        operationId: 'addSuppression',
        summary: 'Send an address no messages of a scope; one that is there already stays',
        tags: ['suppressions'],
        body: newSuppression,
        response: { 201: suppression, 200: suppression },
      },
    },
    async ({ principal, body }, reply) => {
      const { tenantId, actor } = principal;
      const { channel, scope, note } = body;
      const now = clock();
      const evidence = { source: 'api', by: actor.name, ...(note === undefined ? {} : { note: redact(note) }) };
      const wanted = toSuppression(seal, { tenantId, now, evidence }, { ...body, reason: 'manual' }, '/until');
      const [view, isNew] = await withTransaction(database.forTenant(tenantId), async (connection) => {
        const [added] = await addSuppressions(connection, [wanted], actor, now);
        if (added) return [added, true] as const;
        const filter = { channel, reason: null, addressHash: wanted.addressHash };
        const known = await listSuppressions(connection, tenantId, filter, MAX_MATCHES, null);
        return [known.find((one) => one.scope === scope), false] as const;
      });
      if (!view) throw notFound();
      return reply.status(isNew ? 201 : 200).send(view);
    },
  );

  app.post(
    '/api/v1/suppressions/import',
    {
      config: { scope: 'suppressions:write' },
      schema: {
        operationId: 'importSuppressions',
        summary: 'Add up to 1,000 suppressions, such as those of the provider that you sent by before; all or none',
        tags: ['suppressions'],
        body: suppressionImport,
        response: { 200: importedSuppressions },
      },
    },
    async ({ principal, body }) => {
      const { tenantId, actor } = principal;
      const now = clock();
      const evidence = { source: 'import', by: actor.name };
      const wanted = body.suppressions.map((one, index) => {
        const own = one.note === undefined ? evidence : { ...evidence, note: redact(one.note) };
        return toSuppression(seal, { tenantId, now, evidence: own }, one, `/suppressions/${index}/until`);
      });
      const added = await withTransaction(database.forTenant(tenantId), (connection) =>
        addSuppressions(connection, wanted, actor, now),
      );
      return { added: added.length, known: wanted.length - added.length };
    },
  );

  app.post(
    '/api/v1/suppressions/:id/lift',
    {
      config: { scope: 'suppressions:write', errors: ['not_found'] },
      schema: {
        operationId: 'liftSuppression',
        summary: 'Lift a suppression: the address gets messages again; the audit log keeps its evidence',
        tags: ['suppressions'],
        params: suppressionParams,
        body: liftBody,
        response: { 200: suppression },
      },
    },
    async ({ principal, params, body }) => {
      const { tenantId, actor } = principal;
      const id = requireUuid(params.id);
      const note = body?.note === undefined ? null : redact(body.note);
      const lifted =
        id &&
        (await withTransaction(database.forTenant(tenantId), (connection) =>
          liftSuppression(connection, tenantId, id, { actor, note }, clock()),
        ));
      if (!lifted) throw notFound();
      return lifted;
    },
  );
}

interface Wanted {
  readonly channel: SuppressibleChannel;
  readonly address: string;
  readonly scope: string;
  readonly reason: Suppression['reason'];
  readonly until?: string | undefined;
}

/**
 * Returns the suppression that a caller wants.
 * @param pointer where `until` is in the body
 * @throws TidingsError if `until` is in the past, or the address has not the form of one
 */
function toSuppression(
  seal: Seal,
  { tenantId, now, evidence }: Pick<Suppression, 'tenantId' | 'evidence'> & { readonly now: Millis },
  { channel, address, scope, reason, until }: Wanted,
  pointer: string,
): Suppression {
  if (until !== undefined && Date.parse(until) <= now)
    throw new TidingsError('invalid_request', 'until is in the past; write a later time, or leave it out.', {
      pointer,
    });
  const kind = toKind(channel);
  if (!isAddress(kind, address))
    throw new TidingsError('invalid_request', `address is no ${ADDRESS_TEXT[kind]}.`, {
      pointer: pointer.replace(/until$/, 'address'),
    });
  const mask = maskAddressTrait(kind, address);
  return {
    tenantId,
    channel,
    addressHash: hashAddress(seal, channel, address),
    addressMask: typeof mask === 'string' ? mask : null,
    scope,
    reason,
    since: now,
    until: until === undefined ? null : Date.parse(until),
    evidence,
  };
}

function toKind(channel: SuppressibleChannel): 'email' | 'phone' {
  return CHANNEL_DESCRIPTORS[channel].addressKind ?? 'email';
}

/** Forms of an address, each with an example. */
const ADDRESS_TEXT = {
  email: 'email address; write one such as maria@example.com',
  phone: 'phone number; write one with its country, such as +351912345678',
} as const;

/** Whether a text has the form of an address: another one would be added, and stop nothing. */
function isAddress(kind: 'email' | 'phone', text: string): boolean {
  const normal = toNormalAddress(kind, text);
  return kind === 'email' ? /^[^@\s][^\s]*@[^@\s]+$/.test(normal) : /^\+[1-9]\d{3,14}$/.test(normal);
}

function hashAddress(seal: Seal, channel: SuppressibleChannel, address: string): string {
  return seal.sign(toNormalAddress(toKind(channel), address));
}

function toLines(suppressions: readonly object[]): string {
  return suppressions.map((one) => `${JSON.stringify(one)}\n`).join('');
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

function requireUuid(text: string): string | undefined {
  return UUID.test(text) ? text : undefined;
}
