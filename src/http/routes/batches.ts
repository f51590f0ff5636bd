import { Readable } from 'node:stream';
import { z } from 'zod';
import { estimateCosts } from '../../delivery/preview/estimate-costs.ts';
import {
  BATCH_COMMANDS,
  type BatchRequest,
  changeRate,
  commandBatch,
  createBatch,
  noBatch,
  requireBatch,
} from '../../notify/batches/commands.ts';
import { estimateBatch } from '../../notify/batches/estimate.ts';
import { uploadLines } from '../../notify/batches/upload.ts';
import { exportBatchResults, listBatchResults, toBatchView } from '../../notify/batches/views.ts';
import { listBatches, loadSealedRequest } from '../../store/batches/batches.ts';
import { answerAsOf } from '../answer-as-of.ts';
import type { App, HttpDependencies } from '../app.ts';
import { Cursors } from '../cursor.ts';
import { keepNdjsonStreams, NDJSON, readNdjson, toNdjson } from '../ndjson.ts';
import { keepContent } from '../own-content.ts';
import {
  batchBody,
  batchEstimate,
  batchPage,
  batchView,
  exportQuery,
  ndjsonAnswer,
  ndjsonBody,
  ratePatch,
  resultExport,
  resultPage,
  resultQuery,
  uploadQuery,
} from '../schemas/batches.ts';
import { idParams, pageQuery } from '../schemas/common.ts';

const PATH = '/api/v1/batches';
const TAGS = ['batches'];
const MAX_BODY_BYTES = 2 * 1024 * 1024;

const SUMMARIES = {
  start: 'Start a batch: its recipients are asked for, page by page',
  pause: 'Pause a batch: no further message of it begins',
  resume: 'Go on with a paused batch',
  cancel: 'Cancel a batch: what has not begun is not sent',
} as const;

/** Batches: one notification to up to a million recipients. */
export function registerBatchRoutes(app: App, dependencies: HttpDependencies): void {
  const { database, pipeline, catalogs, seal, clock, publicUrl, readerUrl = () => publicUrl, leaving } = dependencies;
  const cursors = new Cursors(seal);
  const partsOf = (tenantId: string) => ({
    ...{ pool: database.forTenant(tenantId), catalogs, seal, clock, pipeline },
    ...(leaving && { leaving }),
  });

  app.post(
    PATH,
    {
      bodyLimit: MAX_BODY_BYTES,
      config: {
        scope: 'batches:write',
        errors: ['unknown_type', 'category_mismatch', 'invalid_notification', 'not_found', 'too_many_batches'],
      },
      schema: {
        operationId: 'createBatch',
        summary: 'Create a batch, which then takes recipients in',
        tags: TAGS,
        body: batchBody,
        response: { 201: batchView },
      },
    },
    async ({ principal: { tenantId, actor, scopes }, operationId, body }, reply) => {
      const { name = null, per_second: perSecond = null, recipients: audience = null, ...request } = body;
      const asker = { tenantId, actor, scopes, operationId };
      const batch = await createBatch(partsOf(tenantId), asker, {
        name,
        perSecond,
        audience: audience && 'list' in audience ? { list: audience.list.toLowerCase() } : audience,
        request: keepContent(request) as BatchRequest,
      });
      return reply.status(201).send(toBatchView(batch, clock()));
    },
  );

  app.get(
    PATH,
    {
      config: { scope: 'batches:read' },
      schema: {
        operationId: 'listBatches',
        summary: 'List batches, newest first',
        tags: TAGS,
        querystring: pageQuery,
        response: { 200: batchPage },
      },
    },
    async (request) => {
      const { principal, query } = request;
      const cursor = cursors.read(request, ['uuid']);
      const { tenantId } = principal;
      const found = await listBatches(database.forTenant(tenantId), tenantId, query.limit, cursor?.[0] ?? null);
      return {
        batches: found.map((batch) => toBatchView(batch, clock())),
        next: cursors.next(request, found, query.limit, ({ batchId }) => [batchId]),
      };
    },
  );

  app.get(
    `${PATH}/:id`,
    {
      config: { scope: 'batches:read', errors: ['not_found'] },
      schema: {
        operationId: 'getBatch',
        summary: 'Show a batch with its progress',
        tags: TAGS,
        params: idParams,
        response: { 200: batchView },
      },
    },
    async ({ principal: { tenantId }, params }) =>
      toBatchView(await requireBatch(database.forTenant(tenantId), tenantId, requireId(params.id)), clock()),
  );

  app.patch(
    `${PATH}/:id`,
    {
      config: { scope: 'batches:write', errors: ['not_found', 'wrong_batch_state'] },
      schema: {
        operationId: 'changeBatchRate',
        summary: 'Change how many recipients per second a batch asks for',
        tags: TAGS,
        params: idParams,
        body: ratePatch,
        response: { 200: batchView },
      },
    },
    async ({ principal: { tenantId, actor }, params, body }) => {
      const id = requireId(params.id);
      return toBatchView(await changeRate(partsOf(tenantId), { tenantId, actor }, id, body.per_second), clock());
    },
  );

  app.get(
    `${PATH}/:id/estimate`,
    {
      config: { scope: 'batches:read', errors: ['not_found', 'overloaded'] },
      schema: {
        operationId: 'estimateBatch',
        summary: 'Say what would become of the pending recipients of a batch',
        tags: TAGS,
        params: idParams,
        response: { 200: batchEstimate },
      },
    },
    async ({ principal: { tenantId }, params }) => {
      const parts = partsOf(tenantId);
      const batch = await requireBatch(parts.pool, tenantId, requireId(params.id));
      const sealed = await loadSealedRequest(parts.pool, tenantId, batch.batchId);
      const { estimate, reached, factor } = await estimateBatch(parts, tenantId, batch, sealed);
      const asked = { tenantId, type: `${batch.request.type}`, recipients: reached, factor, now: clock() };
      const costs = await estimateCosts(
        { pool: parts.pool, owner: database.owner, catalogs, seal, publicUrl: readerUrl() },
        asked,
      );
      return { ...estimate, costs };
    },
  );

  for (const command of BATCH_COMMANDS) {
    app.post(
      `${PATH}/:id/${command}`,
      {
        config: {
          scope: 'batches:write',
          errors: [
            'not_found',
            'wrong_batch_state',
            ...(command === 'start' ? (['unknown_type', 'category_mismatch', 'invalid_notification'] as const) : []),
          ],
        },
        schema: {
          operationId: `${command}Batch`,
          summary: SUMMARIES[command],
          tags: TAGS,
          params: idParams,
          response: { 200: batchView },
        },
      },
      async ({ principal: { tenantId, actor, scopes }, params }) => {
        const asker = { tenantId, actor, scopes };
        return toBatchView(await commandBatch(partsOf(tenantId), asker, requireId(params.id), command), clock());
      },
    );
  }

  app.get(
    `${PATH}/:id/results`,
    {
      config: { scope: 'batches:read', errors: ['not_found'] },
      schema: {
        operationId: 'listBatchResults',
        summary: 'List what became of each line of a batch',
        tags: TAGS,
        params: idParams,
        querystring: resultQuery,
        response: { 200: resultPage },
      },
    },
    async (request) => {
      const { principal, params, query } = request;
      const { tenantId } = principal;
      const pool = database.forTenant(tenantId);
      const { batchId } = await requireBatch(pool, tenantId, requireId(params.id));
      const after = cursors.read(request, ['number'])?.[0] ?? -1;
      const { state, limit } = query;
      const results = await listBatchResults(pool, seal, { tenantId, batchId, state, limit, after });
      return { results, next: cursors.next(request, results, limit, ({ line }) => [line]) };
    },
  );

  app.get(
    `${PATH}/:id/results/export`,
    {
      config: { scope: 'batches:read', errors: ['not_found'], mediaType: NDJSON },
      schema: {
        operationId: 'exportBatchResults',
        summary: 'Stream what became of each line of a batch, as lines of JSON',
        tags: TAGS,
        params: idParams,
        querystring: exportQuery,
        response: { 200: resultExport },
      },
    },
    async ({ principal: { tenantId }, params, query }, reply) => {
      const pool = database.forTenant(tenantId);
      const { batchId } = await requireBatch(pool, tenantId, requireId(params.id));
      const asked = { tenantId, batchId, state: query.state };
      const read = await database.readsOf(tenantId).stream((rows) => exportBatchResults(rows, seal, asked));
      const lines = Readable.from(answerAsOf(reply, read));
      return reply.type(NDJSON).send(lines as unknown as string);
    },
  );

  void app.register(async (scoped) => registerUpload(scoped as unknown as App, dependencies));
}

/** The upload of recipients, whose body is not read before its handler does: no other route takes this media type. */
function registerUpload(app: App, { database, catalogs, seal, clock }: HttpDependencies): void {
  keepNdjsonStreams(app);
  app.put(
    `${PATH}/:id/recipients`,
    {
      config: {
        scope: 'batches:write',
        mediaType: NDJSON,
        errors: ['not_found', 'wrong_batch_state', 'wrong_offset', 'payload_too_large'],
      },
      schema: {
        operationId: 'addBatchRecipients',
        summary: 'Add recipients to a batch, as a stream of lines of JSON that can be resumed',
        tags: TAGS,
        consumes: [NDJSON],
        params: idParams,
        querystring: uploadQuery,
        body: ndjsonBody,
        response: { 200: ndjsonAnswer },
      },
    },
    async (request, reply) => {
      const { principal, params, query } = request;
      const { tenantId, actor } = principal;
      const parts = { pool: database.forTenant(tenantId), catalogs, seal, clock };
      const command = { tenantId, actor, batchId: requireId(params.id), offset: query.offset };
      const { errors, summary } = await uploadLines(parts, command, readNdjson(request));
      return reply.type(NDJSON).send(toNdjson([...errors, summary]));
    },
  );
}

function requireId(id: string): string {
  if (!z.uuid().safeParse(id).success) throw noBatch();
  return id.toLowerCase();
}
