import type { Query, QueryClient } from '@tanstack/react-query';
import { Problem } from '../api/call.ts';
import { getApiKey, getKeyState } from '../key.ts';
import { getTenant } from '../tenant.ts';
import { forgetFailures, reportServer } from './lost-server.ts';
import { type ChangeEvents, readChanges } from './read-changes.ts';

declare module '@tanstack/react-query' {
  interface Register {
    /** `topics`: of the stream of changes. `every`: interval in ms at which it is loaded again at most, while one of them changes. */
    queryMeta: { readonly topics?: readonly string[]; readonly every?: number };
  }
}

/** Without it, no stream is open to the caller. */
const SCOPE = 'deliveries:read';
const TICK_MS = 1000;
/** Interval in ms at which a query is loaded without a change: time passes, and one may be lost. */
const UNCHANGED_MS = 120_000;
/** Intervals in ms without the stream, and after a failure, at least. */
const POLL_MS = 10_000;
const FAILED_MS = 5000;

/**
 * Loads the queries of the page again when the stream of changes says that something has changed in one of their topics. Without the
 * stream, and for queries without a topic, it polls. A hidden tab does neither.
 */
export function followChanges(queries: QueryClient): void {
  const changedAt = new Map<string, number>();
  /** When a query was loaded last by this, or by its page. */
  const loadedAt = new WeakMap<Query, number>();
  let stream: { readonly as: string; readonly abort: AbortController } | undefined;
  let isConnected = false;
  let lastEventId: string | undefined;
  let quietUntil = 0;
  let failedAt = 0;

  const events: ChangeEvents = {
    onReady(topics) {
      isConnected = true;
      // A page that was loaded before may have missed a change; a reader that comes back gets those.
      if (lastEventId === undefined) for (const topic of topics) changedAt.set(topic, Date.now());
    },
    onChanged(topics) {
      for (const topic of topics) changedAt.set(topic, Date.now());
    },
    onId(id) {
      lastEventId = id;
    },
    onUnreachable() {
      failedAt = Date.now();
    },
  };

  const connect = async (as: string) => {
    const abort = new AbortController();
    stream = { as, abort };
    const pause = await readChanges(lastEventId, events, abort.signal);
    // Another one may have begun.
    if (stream?.abort !== abort) return;
    stream = undefined;
    isConnected = false;
    quietUntil = Date.now() + pause;
  };

  const disconnect = () => {
    stream?.abort.abort();
    stream = undefined;
    isConnected = false;
  };

  const load = (query: Query) => {
    const { dataUpdatedAt, errorUpdatedAt, fetchStatus, status } = query.state;
    // A query that got no response is loaded again, also where its page does not follow it.
    const { topics = [], every = isUnreachable(query) ? POLL_MS : undefined } = findMeta(query);
    const updatedAt = Math.max(dataUpdatedAt, errorUpdatedAt);
    if (every === undefined || updatedAt === 0 || fetchStatus !== 'idle') return;
    const since = loadedAt.get(query) ?? updatedAt - 2 * TICK_MS;
    const isChanged = topics.some((topic) => (changedAt.get(topic) ?? 0) > since);
    let pause = every;
    if (status === 'error') pause = Math.max(every, FAILED_MS);
    else if (topics.length > 0 && !isConnected) pause = Math.max(2 * every, POLL_MS);
    else if (topics.length > 0 && !isChanged) pause = Math.max(every, UNCHANGED_MS);
    if (Date.now() - updatedAt < pause) return;
    loadedAt.set(query, Date.now());
    query.fetch().catch(() => {});
  };

  const tick = () => {
    if (document.visibilityState === 'hidden' || getKeyState() !== 'open') {
      forgetFailures();
      return disconnect();
    }
    const active = queries.getQueryCache().findAll({ type: 'active' });
    const as = `${getApiKey()} ${getTenant()}`;
    if (stream !== undefined && stream.as !== as) {
      lastEventId = undefined;
      quietUntil = 0;
      disconnect();
    }
    const isWanted = active.some((query) => findMeta(query).topics !== undefined && query.state.dataUpdatedAt > 0);
    const session = queries.getQueryData<{ readonly scopes: readonly string[] }>(['session']);
    const mayRead = session?.scopes.includes(SCOPE);
    if (isWanted && mayRead && stream === undefined && Date.now() >= quietUntil) void connect(as);
    for (const query of active) load(query);
    reportServer(
      Math.max(isConnected ? Date.now() : 0, ...active.map(({ state }) => state.dataUpdatedAt)),
      Math.max(failedAt, ...active.filter(isUnreachable).map(({ state }) => state.errorUpdatedAt)),
    );
  };

  setInterval(tick, TICK_MS);
  document.addEventListener('visibilitychange', tick);
}

/** Whether the latest request of a query got no response. */
function isUnreachable({ state: { status, error } }: Query): boolean {
  return status === 'error' && error instanceof Problem && error.code === 'unreachable';
}

/** Returns what the pages that show a query say of it. */
function findMeta(query: Query): { readonly topics?: readonly string[]; readonly every?: number } {
  return query.observers.find(({ options }) => options.enabled !== false && options.meta?.every)?.options.meta ?? {};
}
