import { type CheckSource, checkCatalogFiles } from '../../catalog/apply.ts';
import { getCatalogVersion } from '../../catalog/versions.ts';
import { backtestDraft } from '../../drafts/backtest-draft.ts';
import { makeCase } from '../../drafts/case-of-event.ts';
import { checkDraft } from '../../drafts/check-draft.ts';
import { DraftTurns } from '../../drafts/draft-turns.ts';
import { runDraftCases } from '../../drafts/run-draft-cases.ts';
import { type TriedEvent, tryEvent } from '../../drafts/try-event.ts';
import { CatalogError, TidingsError } from '../../errors.ts';
import { toJsonPointer } from '../../lib/text/json-pointer.ts';
import type { CatalogData } from '../../model/catalog.ts';
import type { Millis } from '../../model/event.ts';
import type { Principal } from '../../model/principal.ts';
import { loadFiles } from '../../store/catalog-files.ts';
import { parseDuration } from '../../time/duration.ts';
import { DAY_MS, isoTime } from '../../time/iso-time.ts';
import { parseTimestamp } from '../../time/timestamp.ts';
import type { App, HttpDependencies } from '../app.ts';
import { catalogQuery } from '../schemas/catalog.ts';
import {
  backtestBody,
  caseBody,
  catalogFiles,
  draftBacktest,
  draftBody,
  draftCases,
  draftCheck,
  trial,
  trialBody,
  writtenCase,
} from '../schemas/drafts.ts';
import { registerDraftRenderRoutes } from './draft-renders.ts';

const TAGS = ['catalog'];
const MAX_BODY_BYTES = 5 * 1024 * 1024;
/** File with the cases of a catalog. */
const CASES_FILE = 'cases.yaml';
const MAX_BACKTEST_DAYS = 90;
/** The actor of versions that the catalog directory gave. */
const DIRECTORY = 'catalog directory';

/** Drafts of a catalog: checked, and tried on what is stored. Nothing is stored or sent. */
export function registerDraftRoutes(app: App, dependencies: HttpDependencies): void {
  const { catalogs, database, seal, clock } = dependencies;
  const turns = new DraftTurns(2);
  // They take up to 20 s each, and nothing else waits for them.
  const backtests = new DraftTurns(1);
  const toSource = (tenantId: string): CheckSource => ({ pool: database.owner, catalogs, tenantId });

  /** Returns the data of a draft. @throws TidingsError `invalid_catalog` with every problem */
  const readDraft = async (tenantId: string, files: { readonly [path: string]: string }): Promise<CatalogData> =>
    (await checkCatalogFiles(toSource(tenantId), new Map(Object.entries(files)))).data;
  registerDraftRenderRoutes(app, dependencies, { turns, readDraft });

  app.get(
    '/api/v1/catalog/files',
    {
      config: { scope: 'catalog:read', errors: ['not_found'] },
      schema: {
        operationId: 'getCatalogFiles',
        summary: 'Get the files that the active version, or another one, was made from, as they were written',
        tags: TAGS,
        querystring: catalogQuery,
        response: { 200: catalogFiles },
      },
    },
    async ({ principal: { tenantId }, query }) => {
      const active = await catalogs.refresh(tenantId);
      const version = query.version ?? active.version;
      await getCatalogVersion({ pool: database.forTenant(tenantId), catalogs, tenantId }, version);
      const stored = await loadFiles(database.forTenant(tenantId), tenantId, version);
      const source = stored?.follows ? 'followed' : stored?.givenBy === DIRECTORY ? 'directory' : 'api';
      return { version, active: version === active.version, source, files: stored?.files ?? null } as const;
    },
  );

  app.post(
    '/api/v1/catalog/check',
    {
      bodyLimit: MAX_BODY_BYTES,
      config: { scope: 'catalog:write', errors: ['overloaded'] },
      schema: {
        operationId: 'checkCatalog',
        summary: 'Check the files of a catalog as `tidings check` does, and compare them with the active version',
        tags: TAGS,
        body: draftBody,
        response: { 200: draftCheck },
      },
    },
    ({ principal: { tenantId }, body }) =>
      turns.run(tenantId, () => checkDraft(toSource(tenantId), new Map(Object.entries(body.files)))),
  );

  app.post(
    '/api/v1/catalog/cases',
    {
      bodyLimit: MAX_BODY_BYTES,
      config: { scope: 'catalog:write', errors: ['invalid_catalog', 'overloaded'] },
      schema: {
        operationId: 'runCases',
        summary: 'Run the cases of a draft (its file cases.yaml) as `tidings test` does',
        tags: TAGS,
        body: draftBody,
        response: { 200: draftCases },
      },
    },
    ({ principal: { tenantId }, body: { files } }) =>
      turns.run(tenantId, async () => {
        const data = await readDraft(tenantId, files);
        return withProblems(() => runDraftCases(data, files[CASES_FILE] ?? 'cases: []'));
      }),
  );

  app.post(
    '/api/v1/catalog/cases/from-event',
    {
      bodyLimit: MAX_BODY_BYTES,
      config: { scope: 'catalog:write', errors: ['not_found', 'invalid_catalog', 'too_many_events', 'overloaded'] },
      schema: {
        operationId: 'makeCase',
        summary: 'Make a case of a stored event, with personal values replaced (needs decisions:read as well)',
        tags: TAGS,
        body: caseBody,
        response: { 200: writtenCase },
      },
    },
    ({ principal, body: { files, user_id: userId, event_id: eventId } }) => {
      requireDecisions(principal);
      const { tenantId } = principal;
      return turns.run(tenantId, async () => {
        const data = await readDraft(tenantId, files);
        const asked = { tenantId, userId, eventId };
        return { yaml: await withProblems(() => makeCase(database.forTenant(tenantId), data, asked)) };
      });
    },
  );

  app.post(
    '/api/v1/catalog/try',
    {
      bodyLimit: MAX_BODY_BYTES,
      config: { scope: 'catalog:write', errors: ['not_found', 'invalid_catalog', 'too_many_events', 'overloaded'] },
      schema: {
        operationId: 'tryCatalog',
        summary: 'Decide an event with a draft by a virtual clock, and store nothing (needs decisions:read as well)',
        tags: TAGS,
        body: trialBody,
        response: { 200: trial },
      },
    },
    ({ principal, body: { files, user_id: userId, event_id: eventId, event, at, until } }) => {
      requireDecisions(principal);
      const { tenantId } = principal;
      return turns.run(tenantId, async () => {
        const data = await readDraft(tenantId, files);
        const [from, end] = [at, until].map((time) => (time === undefined ? undefined : Date.parse(time)));
        const asked = { tenantId, userId, eventId, event, at: from, until: end };
        return toTrialView(await tryEvent(database.forTenant(tenantId), seal, data, asked));
      });
    },
  );

  app.post(
    '/api/v1/catalog/backtest',
    {
      bodyLimit: MAX_BODY_BYTES,
      config: { scope: 'catalog:write', errors: ['invalid_catalog', 'overloaded'] },
      schema: {
        operationId: 'backtestCatalog',
        summary:
          'Compare what a draft would have sent over the stored events with what was sent, within bounds (needs decisions:read as well)',
        tags: TAGS,
        body: backtestBody,
        response: { 200: draftBacktest },
      },
    },
    ({ principal, body: { files, user_id: userId, ...period } }) => {
      requireDecisions(principal);
      const { tenantId } = principal;
      const now = clock();
      const since = readSince(period.since, now);
      // A later end would have scheduled rules act in the future.
      const until = Math.min(now, period.until === undefined ? now : Date.parse(period.until));
      if (since >= until || since < now - MAX_BACKTEST_DAYS * DAY_MS) {
        const message = `The period begins up to ${MAX_BACKTEST_DAYS} days ago, and before it ends.`;
        throw new TidingsError('invalid_request', message, { pointer: '/since' });
      }
      return backtests.run(tenantId, async () => {
        const data = await readDraft(tenantId, files);
        const read = await database
          .readsOf(tenantId)
          .lagging((pool) => backtestDraft(pool, seal, data, { tenantId, since, until, userId }));
        return read.value;
      });
    },
  );
}

/** @throws TidingsError `invalid_request` for what is neither a duration nor a time */
function readSince(text: string, now: Millis): Millis {
  const duration = parseDuration(text);
  if ('ms' in duration) return now - duration.ms;
  const timestamp = parseTimestamp(text);
  if ('time' in timestamp) return timestamp.time;
  throw new TidingsError('invalid_request', 'since is how long ago (30d, 12h), or a time (2025-10-31T00:00:00Z).', {
    pointer: '/since',
  });
}

/** @throws TidingsError `forbidden` for a caller that may not see decisions about users */
function requireDecisions({ scopes }: Principal): void {
  if (!scopes.has('decisions:read'))
    throw new TidingsError('forbidden', 'This needs the scope decisions:read as well.');
}

/** @throws TidingsError `invalid_catalog` for cases with errors */
async function withProblems<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof CatalogError)) throw error;
    const errors = error.problems.map((problem) => ({ pointer: toJsonPointer(['files', problem.file]), ...problem }));
    const [first] = errors;
    throw new TidingsError('invalid_catalog', `${first?.file}:${first?.line}: ${first?.message}.`, { errors });
  }
}

function toTrialView({ event, at, until, draft, stored }: TriedEvent) {
  const toSteps = (steps: TriedEvent['draft']) => steps.map((step) => ({ ...step, at: isoTime(step.at) }));
  return {
    event_id: event.eventId,
    event_type: event.type,
    event_timestamp: isoTime(event.time),
    at: isoTime(at),
    until: isoTime(until),
    draft: toSteps(draft),
    stored: toSteps(stored),
  };
}
