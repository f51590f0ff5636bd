import { LRUCache } from 'lru-cache';
import type pg from 'pg';
import { type Anomalies, readAnomalies, readComparedHour } from '../analytics/read-anomalies.ts';
import { WAITS_FOR_RELEASE } from '../health/catalog-check.ts';
import { MAX_LAG } from '../health/kafka-check.ts';
import { formatGroupId } from '../model/dead-letter.ts';
import { CHANNELS, OVERDUE_AFTER_MS } from '../model/delivery.ts';
import type { Millis } from '../model/event.ts';
import type { Scope } from '../model/principal.ts';
import { listFailedOver } from '../store/accounts.ts';
import { listDeadLetterGroups } from '../store/deliveries/dead-letters.ts';
import { loadOverdue, MAX_OVERDUE_COUNT } from '../store/deliveries/overdue.ts';
import { listJobs } from '../store/jobs/jobs.ts';
import { listTopics } from '../store/kafka/topics.ts';
import { listOffsets } from '../store/kafka-offsets.ts';
import { listEmailStandings } from '../store/receipts/email-standings.ts';
import { countRecentRejected, MAX_RECENT_REJECTED } from '../store/rejected.ts';
import { listReleases } from '../store/releases/releases.ts';
import { listRouteMoves } from '../store/route-moves.ts';
import { countSetAside } from '../store/waits/failed-waits.ts';
import { listFailingEndpoints } from '../store/webhooks/failing-endpoints.ts';
import { isoTime, isoTimeOrNull } from '../time/iso-time.ts';
import type { HttpDependencies } from './app.ts';
import { findOpenCircuits } from './open-circuits.ts';
import type { ProblemCode, ProblemValues } from './schemas/problems.ts';
import { findSourceCause } from './source-cause.ts';

/** Something that is wrong for a tenant, as the API shows it. */
export interface CurrentProblem {
  readonly code: ProblemCode;
  readonly subject: string | null;
  readonly since: string | null;
  readonly count: number | null;
  readonly has_more: boolean;
  readonly detail: string;
  readonly values: ProblemValues;
  readonly next_at: string | null;
}

const HOUR_MS: Millis = 3_600_000;
/** Time within which failures count as present: what failed earlier was seen, or is looked at on its own page. */
const RECENT_MS: Millis = HOUR_MS;
/** Things of a kind that are named, at most. */
const MAX_NAMED = 20;
const MAX_JOBS = 50;
const MAX_SET_ASIDE = 1000;

/** Checks of health that look at work of all tenants: each tenant sees its own part of it here. */
const OF_TENANTS: ReadonlySet<string> = new Set([
  'overdue',
  'waits',
  'dead_letters',
  'routes',
  'circuits',
  'email',
  'kafka',
]);

/** Checks of health that look at the catalog of the tenant of the installation. */
const OF_INSTALLATION: ReadonlySet<string> = new Set(['catalog', 'connectors']);

interface Look {
  readonly dependencies: HttpDependencies;
  readonly tenantId: string;
  readonly pool: pg.Pool;
  readonly now: Millis;
}

/** A place to look at, with the scope that the caller needs, and the codes that it may find. */
interface Place {
  readonly scope: Scope;
  readonly codes: readonly ProblemCode[];
  find(look: Look): Promise<readonly CurrentProblem[]>;
}

/** Places in the order of how much they concern. Each is read from the front of an index, and is bounded. */
const PLACES: readonly Place[] = [
  {
    scope: 'deliveries:read',
    codes: ['installation', 'catalog_unreadable', 'catalog_waits'],
    find: findOfInstallation,
  },
  { scope: 'deliveries:read', codes: ['circuit_open'], find: findCircuits },
  { scope: 'deliveries:read', codes: ['account_failing'], find: findMoves },
  { scope: 'deliveries:read', codes: ['failed_over'], find: findFailedOver },
  { scope: 'deliveries:read', codes: ['overdue'], find: findOverdue },
  { scope: 'waits:read', codes: ['waits_set_aside'], find: findSetAside },
  { scope: 'deliveries:read', codes: ['dead_letters'], find: findDeadLetters },
  { scope: 'deliveries:read', codes: ['emails_paused'], find: findPausedEmails },
  { scope: 'rejected:read', codes: ['rejected_events'], find: findRejected },
  { scope: 'rejected:read', codes: ['source_not_read', 'source_behind'], find: findSources },
  { scope: 'webhooks:read', codes: ['webhook_disabled', 'webhook_failing'], find: findEndpoints },
  { scope: 'webhooks:read', codes: ['sink_failing', 'messages_parked'], find: findSinks },
  { scope: 'catalog:read', codes: ['release_failed'], find: findFailedReleases },
  { scope: 'jobs:read', codes: ['job_failed'], find: findFailedJobs },
  { scope: 'deliveries:read', codes: ['type_quiet', 'volume_surge'], find: findVolumes },
];

/** Returns what is wrong for a tenant at present, as far as these scopes let the caller see it. */
export async function findProblems(
  dependencies: HttpDependencies,
  tenantId: string,
  scopes: ReadonlySet<Scope>,
): Promise<{
  readonly problems: readonly CurrentProblem[];
  readonly not_looked_at: readonly { readonly code: ProblemCode; readonly scope: Scope }[];
}> {
  const { database, clock } = dependencies;
  const look = { dependencies, tenantId, pool: database.forTenant(tenantId), now: clock() };
  const problems: CurrentProblem[] = [];
  // One after the other: a page that is polled takes one connection.
  for (const place of PLACES) if (scopes.has(place.scope)) problems.push(...(await place.find(look)));
  const left = PLACES.filter(({ scope }) => !scopes.has(scope));
  return { problems, not_looked_at: left.flatMap(({ codes, scope }) => codes.map((code) => ({ code, scope }))) };
}

type Given = Pick<CurrentProblem, 'code' | 'detail'> & Partial<CurrentProblem>;

function problem(given: Given): CurrentProblem {
  return { subject: null, since: null, count: null, has_more: false, values: {}, next_at: null, ...given };
}

async function findOfInstallation({ dependencies, tenantId }: Look): Promise<CurrentProblem[]> {
  const { health, tenant = 'default' } = dependencies;
  const { checks = [] } = (await health.ready()).body;
  return checks
    .filter(({ name, status }) => status !== 'ok' && !OF_TENANTS.has(name))
    .filter(({ name }) => !OF_INSTALLATION.has(name) || tenantId === tenant)
    .map(({ name, since, cause = name }) =>
      problem({
        code: name === 'catalog' ? toCatalogCode(cause) : 'installation',
        subject: name,
        since,
        detail: cause,
      }),
    );
}

function toCatalogCode(cause: string): ProblemCode {
  return cause === WAITS_FOR_RELEASE ? 'catalog_waits' : 'catalog_unreadable';
}

async function findCircuits({ dependencies, tenantId }: Look): Promise<CurrentProblem[]> {
  const circuits = await findOpenCircuits(dependencies, tenantId);
  return circuits.map(({ provider, account, domain, since, code, cause, next_probe_at }) =>
    problem({
      code: 'circuit_open',
      subject: [provider, account, domain].filter((part) => part !== null).join(' '),
      since,
      detail: cause,
      values: { provider, ...(account !== null && { account }), ...(domain !== null && { domain }), cause: code },
      next_at: next_probe_at,
    }),
  );
}

async function findMoves({ pool, tenantId }: Look): Promise<CurrentProblem[]> {
  const moves = await listRouteMoves(pool, tenantId);
  return moves
    .slice(0, MAX_NAMED)
    .map(({ account, since, cause }) =>
      problem({ code: 'account_failing', subject: account, since: isoTime(since), detail: cause }),
    );
}

/** Accounts whose messages go by another one, until an operator ends that. */
async function findFailedOver({ pool, tenantId }: Look): Promise<CurrentProblem[]> {
  const found = await listFailedOver(pool, tenantId, MAX_NAMED);
  return found.map(({ account, provider, failoverTo }) =>
    problem({
      code: 'failed_over',
      subject: account,
      detail: `messages of ${provider} account ${account} go by ${failoverTo}, until the fail over is ended`,
      values: { provider, failover_to: failoverTo },
    }),
  );
}

async function findOverdue({ pool, tenantId, now }: Look): Promise<CurrentProblem[]> {
  const found = await loadOverdue(pool, { tenantId, channels: CHANNELS, before: now - OVERDUE_AFTER_MS, now });
  return found.map(({ queue, channel, count, oldest }) =>
    problem({
      code: 'overdue',
      subject: channel === null ? queue : `${queue} ${channel}`,
      since: isoTime(oldest),
      count,
      has_more: count >= MAX_OVERDUE_COUNT,
      detail: `due since ${isoTime(oldest)}, and not done`,
      values: { queue, ...(channel !== null && { channel }) },
    }),
  );
}

async function findSetAside({ pool, tenantId }: Look): Promise<CurrentProblem[]> {
  const found = await countSetAside(pool, MAX_SET_ASIDE, tenantId);
  if (!found) return [];
  const { count, since } = found;
  const detail = 'could not be fired, and are set aside until they are tried again';
  return [problem({ code: 'waits_set_aside', since: isoTime(since), count, has_more: count >= MAX_SET_ASIDE, detail })];
}

/** Groups that grow, and are not the fault of single recipients. */
async function findDeadLetters({ pool, tenantId, now }: Look): Promise<CurrentProblem[]> {
  const groups = await listDeadLetterGroups(pool, tenantId, null, 200, null);
  return groups
    .filter(({ group, lastAt }) => group.fault !== 'recipient' && lastAt >= now - RECENT_MS)
    .slice(0, MAX_NAMED)
    .map(({ group, count, isAtLeast, firstAt }) =>
      problem({
        code: 'dead_letters',
        subject: formatGroupId(group),
        since: isoTime(firstAt),
        count,
        has_more: isAtLeast,
        detail: [group.channel, group.provider, group.reasonCode, group.code]
          .filter((part) => part !== null)
          .join(' · '),
        values: {
          channel: group.channel,
          ...(group.provider !== null && { provider: group.provider }),
          reason: group.reasonCode,
          ...(group.code !== null && { code: group.code }),
        },
      }),
    );
}

async function findPausedEmails({ pool, tenantId, now }: Look): Promise<CurrentProblem[]> {
  const standings = await listEmailStandings(pool, tenantId, now);
  return standings.slice(0, MAX_NAMED).flatMap(({ notificationType, pausedAt, cause }) =>
    pausedAt === null
      ? []
      : [
          problem({
            code: 'emails_paused',
            subject: notificationType || null,
            since: isoTime(pausedAt),
            detail: cause,
          }),
        ],
  );
}

async function findRejected({ pool, tenantId, now }: Look): Promise<CurrentProblem[]> {
  const found = await countRecentRejected(pool, tenantId, now - RECENT_MS);
  if (!found) return [];
  const { count, code, path, first } = found;
  const detail = `mostly ${code} at ${path}`;
  return [
    problem({
      code: 'rejected_events',
      since: isoTime(first),
      count,
      has_more: count >= MAX_RECENT_REJECTED,
      detail,
      values: { reason: code, path },
    }),
  ];
}

async function findSources({ dependencies, pool, tenantId }: Look): Promise<CurrentProblem[]> {
  const { catalogs, kafka } = dependencies;
  const { sources = [] } = (await catalogs.getActive(tenantId)).data;
  if (sources.length === 0) return [];
  const offsets = await listOffsets(pool, tenantId);
  return sources.slice(0, MAX_NAMED).flatMap((source) => {
    const cause = findSourceCause(kafka, tenantId, source);
    if (cause !== null) return [problem({ code: 'source_not_read', subject: source.name, detail: cause })];
    const lags = offsets.flatMap(({ topic, lag }) => (topic === source.topic && lag !== null ? [lag] : []));
    const lag = lags.reduce((sum, one) => sum + one, 0);
    if (lag <= MAX_LAG) return [];
    const detail = `${lag} messages of ${source.topic} wait to be read`;
    return [
      problem({ code: 'source_behind', subject: source.name, count: lag, detail, values: { topic: source.topic } }),
    ];
  });
}

async function findEndpoints({ pool, tenantId }: Look): Promise<CurrentProblem[]> {
  const found = await listFailingEndpoints(pool, tenantId, MAX_NAMED);
  return found.map(({ id, description, isDisabled, since, failures }) =>
    problem({
      code: isDisabled ? 'webhook_disabled' : 'webhook_failing',
      subject: id,
      since: isoTime(since),
      count: isDisabled ? null : failures,
      detail: `${description || id}: ${isDisabled ? 'disabled, as nothing reached it; what is due for it waits' : 'nothing reaches it'}`,
      values: { name: description || id },
    }),
  );
}

async function findSinks({ pool, tenantId }: Look): Promise<CurrentProblem[]> {
  const topics = await listTopics(pool, tenantId);
  // One that is paused waits by command.
  const failing = topics.filter((one) => one.full_since !== null || (one.problem !== null && one.paused_at === null));
  const parked = topics.filter((topic) => topic.parked > 0);
  return [
    ...failing.slice(0, MAX_NAMED).map(({ topic, problem: code, problem_since, full_since, waiting }) =>
      problem({
        code: 'sink_failing',
        subject: topic,
        since: full_since ?? problem_since,
        count: waiting,
        detail: full_since === null ? `not written: ${code}` : 'too much waits: nothing more is recorded',
        values: { reason: full_since === null && code !== null ? code : 'full' },
      }),
    ),
    ...parked
      .slice(0, MAX_NAMED)
      .map(({ topic, parked: count }) =>
        problem({ code: 'messages_parked', subject: topic, count, detail: 'set aside: the broker did not take them' }),
      ),
  ];
}

/** Anomalies of tenants of late: they change by the hour, and pages that show problems ask all the time. */
const KNOWN_ANOMALIES = new WeakMap<HttpDependencies, LRUCache<string, Anomalies>>();
const MAX_KNOWN = 1000;

async function readKnownAnomalies({ dependencies, pool, tenantId, now }: Look): Promise<Anomalies> {
  const known = KNOWN_ANOMALIES.get(dependencies) ?? new LRUCache<string, Anomalies>({ max: MAX_KNOWN });
  KNOWN_ANOMALIES.set(dependencies, known);
  const found = known.get(tenantId);
  if (found?.at === (await readComparedHour({ pool, now }, tenantId)).at) return found;
  const read = await readAnomalies({ pool, now }, tenantId);
  known.set(tenantId, read);
  return read;
}

async function findVolumes(look: Look): Promise<CurrentProblem[]> {
  const { anomalies } = await readKnownAnomalies(look);
  return anomalies.slice(0, MAX_NAMED).map(({ kind, of, name, hours, count, usual, since }) =>
    problem({
      code: kind === 'quiet' ? 'type_quiet' : 'volume_surge',
      subject: name,
      since: isoTimeOrNull(since),
      count,
      detail: `${kind === 'quiet' ? 'no' : count} ${of} in ${hours === 1 ? 'an hour' : '24 hours'}, usually ${Math.round(usual)}`,
      values: { of, hours, usual },
    }),
  );
}

/**
 * Releases of the last day, since another one went well, that could not begin; or that their watch rolled back, until a later version
 * is active.
 */
async function findFailedReleases({ dependencies, pool, tenantId, now }: Look): Promise<CurrentProblem[]> {
  const releases = await listReleases(pool, tenantId, MAX_NAMED);
  const later = releases.findIndex(({ state }) => state === 'watching' || state === 'finished');
  const failed = releases
    .slice(0, later === -1 ? releases.length : later)
    .filter(({ state, endedBy }) => state === 'failed' || (state === 'rolled_back' && endedBy?.kind === 'system'))
    .filter(({ endedAt }) => (endedAt ?? 0) >= now - 24 * HOUR_MS);
  if (failed.length === 0) return [];
  const { version } = await dependencies.catalogs.refresh(tenantId);
  return failed
    .filter(({ state, toVersion }) => state === 'failed' || version <= toVersion)
    .map(({ toVersion, endedAt, endReason }) =>
      problem({
        code: 'release_failed',
        subject: `version ${toVersion}`,
        since: isoTimeOrNull(endedAt),
        detail: endReason ?? 'rolled back by its watch',
        values: { version: toVersion },
      }),
    );
}

async function findFailedJobs({ pool, tenantId, now }: Look): Promise<CurrentProblem[]> {
  const jobs = await listJobs(pool, tenantId, MAX_JOBS, null);
  return jobs
    .filter(({ status, ended_at }) => status === 'failed' && Date.parse(ended_at ?? '') >= now - 24 * HOUR_MS)
    .slice(0, MAX_NAMED)
    .map(({ job_id, action, name, ended_at, reason }) =>
      problem({
        code: 'job_failed',
        subject: job_id,
        since: ended_at,
        detail: `${name ?? action}: ${reason ?? 'failed'}`,
        values: { name: name ?? action, ...(reason !== null && { reason }) },
      }),
    );
}
