import { TidingsError } from '../../errors.ts';
import { rejectTopic } from '../../kafka/allowed-topics.ts';
import type { CatalogData } from '../../model/catalog.ts';
import { isTestTenant } from '../../model/principal.ts';
import type { MessageSink } from '../../model/sink.ts';
import { appendAuditEntry } from '../../store/audit-log.ts';
import { loadOpenTopics } from '../../store/kafka/open-topics.ts';
import { listParked, releaseMessages } from '../../store/kafka/outbox.ts';
import { listTopics, setTopicPaused, type TopicView } from '../../store/kafka/topics.ts';
import { withTransaction } from '../../store/pg/transaction.ts';
import { isoTimeOrNull } from '../../time/iso-time.ts';
import type { App, HttpDependencies } from '../app.ts';
import { parkedChoice, parkedPage, parkedResult, sinkPage, sinkParams, sinkState } from '../schemas/sinks.ts';

const PATH = '/api/v1/sinks';
const TAGS = ['sinks'];

/** A topic that the catalog writes, or wrote. */
interface WrittenTopic {
  readonly name: string;
  readonly kind: 'sink' | 'dead_letters' | 'former';
  readonly topic: string;
  readonly sink?: MessageSink;
}

/** Sinks: what the catalog names them, what waits for them, their pauses, and what was set aside. They are changed with the catalog. */
export function registerSinkRoutes(app: App, { database, catalogs, clock, kafka }: HttpDependencies): void {
  app.get(
    PATH,
    {
      config: { scope: 'webhooks:read' },
      schema: {
        operationId: 'listSinks',
        summary: 'List the Kafka topics that the active catalog writes, and what waits for each',
        tags: TAGS,
        response: { 200: sinkPage },
      },
    },
    async ({ principal: { tenantId } }) => {
      const pool = database.forTenant(tenantId);
      const { version, data } = await catalogs.getActive(tenantId);
      const views = await listTopics(pool, tenantId);
      const open = await loadOpenTopics(pool, tenantId);
      const byTopic = new Map(views.map((view) => [view.topic, view]));
      return {
        catalog_version: version,
        sinks: listWritten(data, views).map((one) => {
          const seen = byTopic.get(one.topic) ?? UNKNOWN;
          const { topic: _, problem, problem_since, measured_at, ...view } = seen;
          const cause = findCause(tenantId, one);
          return {
            name: one.name,
            description: one.sink?.description ?? null,
            kind: one.kind,
            topic: one.topic,
            event_types: [...(one.sink?.eventTypes ?? [])],
            decisions: one.sink?.decisions ?? 'none',
            format: one.sink?.format ?? null,
            key: one.sink?.key ?? null,
            state: toState(cause, seen, one.kind === 'former' || open.includes(one.topic)),
            cause,
            problem: problem === null ? null : { code: problem, since: problem_since },
            measured_at,
            ...view,
          };
        }),
      };
    },
  );

  function findCause(tenantId: string, { topic }: WrittenTopic): string | null {
    if (isTestTenant(tenantId)) return OF_TEST_KEY;
    if (!kafka) return NOT_CONFIGURED;
    return rejectTopic(kafka.settings, kafka.tenant, tenantId, topic) ?? null;
  }

  async function requireWritten(tenantId: string, name: string): Promise<WrittenTopic> {
    const { data } = await catalogs.getActive(tenantId);
    const found = listWritten(data, await listTopics(database.forTenant(tenantId), tenantId)).find(
      (one) => one.name === name,
    );
    if (found) return found;
    throw new TidingsError('not_found', 'The active catalog writes no such topic, and nothing waits for one.');
  }

  for (const isPaused of [true, false]) {
    const verb = isPaused ? 'pause' : 'resume';
    app.post(
      `${PATH}/:name/${verb}`,
      {
        config: { scope: 'webhooks:write', errors: ['not_found'] },
        schema: {
          operationId: `${verb}Sink`,
          summary: isPaused ? 'Stop writing a topic; its messages wait' : 'Write a paused topic again',
          tags: TAGS,
          params: sinkParams,
          response: { 200: sinkState },
        },
      },
      async ({ principal: { tenantId, actor }, params: { name } }) => {
        const { topic } = await requireWritten(tenantId, name);
        const now = clock();
        const changed = await withTransaction(database.forTenant(tenantId), async (connection) => {
          const isChanged = await setTopicPaused(connection, { tenantId, topic }, isPaused, now);
          const action = isPaused ? 'sink.paused' : 'sink.resumed';
          const states = { before: { paused: !isPaused }, after: { paused: isPaused } };
          const entry = { tenantId, actor, action, subject: name, detail: { topic }, ...states };
          if (isChanged) await appendAuditEntry(connection, entry, now);
          return isChanged;
        });
        return { name, paused: isPaused, changed };
      },
    );
  }

  app.get(
    `${PATH}/:name/parked`,
    {
      config: { scope: 'webhooks:read', errors: ['not_found'] },
      schema: {
        operationId: 'listParkedMessages',
        summary: 'List messages of a topic that were set aside, because the brokers do not take them',
        tags: TAGS,
        params: sinkParams,
        response: { 200: parkedPage },
      },
    },
    async ({ principal: { tenantId }, params: { name } }) => {
      const { topic } = await requireWritten(tenantId, name);
      return { name, messages: await listParked(database.forTenant(tenantId), tenantId, topic) };
    },
  );

  for (const isDeleted of [false, true]) {
    const verb = isDeleted ? 'discard' : 'retry';
    app.post(
      `${PATH}/:name/parked/${verb}`,
      {
        config: { scope: 'webhooks:write', errors: ['not_found'] },
        schema: {
          operationId: `${verb}ParkedMessages`,
          summary: isDeleted
            ? 'Delete messages that were set aside, up to 1000; of a topic that the catalog no longer writes, also those that wait'
            : 'Send messages that were set aside once more, up to 1000 of them, the earliest first',
          tags: TAGS,
          params: sinkParams,
          body: parkedChoice.nullish(),
          response: { 200: parkedResult },
        },
      },
      async ({ principal: { tenantId, actor }, params: { name }, body }) => {
        const { topic, kind } = await requireWritten(tenantId, name);
        const until = body?.parked_until === undefined ? null : Date.parse(body.parked_until);
        const release = !isDeleted ? 'retried' : kind === 'former' ? 'all_discarded' : 'discarded';
        const now = clock();
        const released = await withTransaction(database.forTenant(tenantId), async (connection) => {
          const done = await releaseMessages(connection, tenantId, topic, release, until);
          const action = isDeleted ? 'sink.discarded' : 'sink.retried';
          const entry = { tenantId, actor, action, subject: name, detail: { topic, messages: done.messages } };
          if (done.messages > 0) await appendAuditEntry(connection, entry, now);
          return done;
        });
        const { messages, remaining, parkedUntil } = released;
        return { name, messages, has_more: remaining > 0, remaining, parked_until: isoTimeOrNull(parkedUntil) };
      },
    );
  }
}

const NOT_CONFIGURED = 'Kafka is not configured (TIDINGS_KAFKA_BROKERS)';
const OF_TEST_KEY = 'the data of test keys goes to no topic';

/** Begins the name of a former topic that something else has now; no other name has a colon. */
const FORMER_PREFIX = 'former:';

/** Returns what the catalog writes, in the order of its files, and topics that it wrote before. */
function listWritten({ sinks = [], sources = [] }: CatalogData, views: readonly TopicView[]): WrittenTopic[] {
  const own = sinks.map((sink): WrittenTopic => ({ name: sink.name, kind: 'sink', topic: sink.topic, sink }));
  const letters = [...new Set(sources.flatMap(({ deadLetterTopic }) => deadLetterTopic ?? []))];
  const known = [...own, ...letters.map((topic): WrittenTopic => ({ name: topic, kind: 'dead_letters', topic }))];
  const topics = new Set(known.map(({ topic }) => topic));
  const names = new Set(known.map(({ name }) => name));
  const former = views.filter(({ topic }) => !topics.has(topic));
  const nameOf = (topic: string) => (names.has(topic) ? `${FORMER_PREFIX}${topic}` : topic);
  return [...known, ...former.map(({ topic }): WrittenTopic => ({ name: nameOf(topic), kind: 'former', topic }))];
}

function toState(cause: string | null, { paused_at, full_since, problem }: TopicView, isOpen: boolean) {
  if (cause === NOT_CONFIGURED || cause === OF_TEST_KEY) return 'not_configured' as const;
  if (cause !== null) return 'not_allowed' as const;
  // Nothing is recorded, which is worse than that nothing is written.
  if (full_since !== null) return 'full' as const;
  if (paused_at !== null) return 'paused' as const;
  if (problem !== null) return 'failing' as const;
  return isOpen ? ('open' as const) : ('opening' as const);
}

const UNKNOWN: TopicView = {
  topic: '',
  problem: null,
  problem_since: null,
  paused_at: null,
  full_since: null,
  published: 0,
  waiting: 0,
  waiting_bytes: 0,
  oldest_at: null,
  parked: 0,
  measured_at: null,
};
