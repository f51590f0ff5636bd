import type pg from 'pg';
import { compileSchemas } from '../catalog/schemas/validate-event.ts';
import { TidingsError } from '../errors.ts';
import { isRejection, type ReceivedEvent, withPostedAddresses } from '../events/envelope.ts';
import { compileMappings } from '../events/envelopes/mappings.ts';
import { parseItem } from '../events/parse-item.ts';
import { toJsonPointer } from '../lib/text/json-pointer.ts';
import type { CatalogData } from '../model/catalog.ts';
import type { Decision } from '../model/decision.ts';
import type { Millis } from '../model/event.ts';
import type { Seal } from '../privacy/seal.ts';
import { type BacktestPlan, pastDecisions, type Verdict } from '../simulate/backtest/history.ts';
import { replaySteps } from '../simulate/backtest/replay.ts';
import { asksForRecords, compileOnDemand, hasVersions, mayReadAddresses } from '../simulate/backtest/run-backtest.ts';
import { loadCatalogs } from '../store/catalogs.ts';
import type { StoredEvent, StoredHistory } from '../store/replay.ts';
import { DAY_MS, LAST_TIME } from '../time/iso-time.ts';
import { DRAFT_CATALOG_BYTES, DRAFT_STEPS } from './bounds.ts';
import { findEvent, loadHistory } from './load-history.ts';
import { cutIntoSlices } from './slices.ts';

/** Higher than the version of any catalog. */
const DRAFT_VERSION = 2_147_483_647;

/** Longest time (ms) that the virtual clock runs on after the event. */
export const MAX_TRY_MS: Millis = 31 * DAY_MS;

/** Longest time (ms) that a trial works. */
const MAX_WORK_MS: Millis = 5000;

/** An event to try: one that is stored, or one as it is posted. */
export interface Trial {
  readonly tenantId: string;
  readonly userId: string;
  readonly eventId: string | undefined;
  readonly event: object | undefined;
  /** When it arrives; undefined: when it did, or when it happened. */
  readonly at: Millis | undefined;
  /** Until when the virtual clock runs; undefined: it decides the event alone. */
  readonly until: Millis | undefined;
}

/** Decisions at one time of the virtual clock. */
export interface TrialStep {
  readonly at: Millis;
  readonly decisions: readonly Decision[];
}

export interface TriedEvent {
  readonly event: Pick<StoredEvent, 'eventId' | 'type' | 'time'>;
  readonly at: Millis;
  readonly until: Millis;
  /** Decisions of the draft about the event, at once and when its waits end. */
  readonly draft: readonly TrialStep[];
  /** Decisions that were made; empty for an event that is not stored. */
  readonly stored: readonly TrialStep[];
}

/**
 * Decides an event with a draft, on the history of its user as it is stored. The virtual clock runs on, so waits that it begins end, and
 * what is stored of the time after it happens as it did. Writes nothing.
 *
 * @throws TidingsError `not_found`, `invalid_request` for an event that the draft rejects, `too_many_events`
 */
export async function tryEvent(pool: pg.Pool, seal: Seal, draft: CatalogData, trial: Trial): Promise<TriedEvent> {
  const { tenantId, userId, eventId } = trial;
  const known = await loadHistory(pool, { tenantId, userId, until: LAST_TIME, seal });
  const [history, event] = eventId === undefined ? withPosted(known, draft, trial) : [known, findEvent(known, eventId)];
  const at = event.receivedAt;
  const until = trial.until ?? Math.min(at + 1, LAST_TIME);
  if (until <= at || until > at + MAX_TRY_MS) {
    throw new TidingsError('invalid_request', 'The clock runs for up to 31 days after the event.', {
      pointer: '/until',
    });
  }
  const versions = await loadCatalogs(pool, tenantId, DRAFT_CATALOG_BYTES, listVersions(known));
  if (!hasVersions(known, versions)) {
    const message =
      'The versions of the catalog that decided about the user are too large together. "tidings backtest --user" replays them.';
    throw new TidingsError('too_many_events', message, { pointer: '/user_id' });
  }
  const all = [...versions.values(), draft];
  const version = compileOnDemand(new Map([...versions, [DRAFT_VERSION, draft]]));
  const plan = {
    since: at,
    until,
    candidate: version(DRAFT_VERSION),
    version,
    readsAddresses: all.some(mayReadAddresses),
    comparesAddresses: all.some(asksForRecords),
    keyed: (text: string) => seal.hash(text),
  };
  const isOfEvent = ({ event_ids: ids }: Decision) => ids.includes(event.eventId);
  const past = eventId === undefined ? [] : [...pastDecisions(known, plan).values()];
  return {
    event,
    at,
    until,
    draft: toSteps(await replayBounded(history, plan), isOfEvent),
    stored: toSteps(past, isOfEvent),
  };
}

/** Returns the versions that decided about a user. */
function listVersions({ events, waits }: StoredHistory): number[] {
  const ofWaits = waits.flatMap((wait) => [
    wait.catalogVersion,
    wait.endedVersion ?? wait.catalogVersion,
    ...(wait.state.migrated ?? []).map(({ version }) => version),
  ]);
  return [...new Set([...events.map(({ catalogVersion }) => catalogVersion), ...ofWaits])];
}

/** @throws TidingsError `invalid_request` if too much happens */
async function replayBounded(history: StoredHistory, plan: BacktestPlan): Promise<readonly Verdict[]> {
  const end = performance.now() + MAX_WORK_MS;
  const pause = cutIntoSlices();
  const steps = replaySteps(history, plan);
  for (let count = 0; count <= DRAFT_STEPS && performance.now() < end; count++) {
    const { done, value } = steps.next();
    if (done) return value;
    await pause();
  }
  const message =
    'More happens until then than is tried here, such as a rule that acts each minute; write an earlier time.';
  throw new TidingsError('invalid_request', message, { pointer: '/until' });
}

function toSteps(verdicts: readonly Verdict[], isWanted: (decision: Decision) => boolean): TrialStep[] {
  const steps = verdicts.map(({ at, decisions }) => ({ at, decisions: decisions.filter(isWanted) }));
  return steps.filter(({ decisions }) => decisions.length > 0).sort((a, b) => a.at - b.at);
}

/** Adds the posted event of a trial to a history, which has nothing that came after it. */
function withPosted(history: StoredHistory, draft: CatalogData, trial: Trial): readonly [StoredHistory, StoredEvent] {
  const posted = parsePosted(draft, trial);
  const receivedAt = trial.at ?? posted.time;
  const event: StoredEvent = {
    ...posted,
    receivedAt,
    catalogVersion: DRAFT_VERSION,
    emittedBy: null,
    hasFired: false,
    decisions: () => [],
    openChanges: () => [],
  };
  const events = [...history.events.filter((one) => one.receivedAt < receivedAt), event];
  return [{ ...history, events: events.sort((a, b) => a.time - b.time) }, event];
}

function parsePosted(draft: CatalogData, { userId, event, at }: Trial): ReceivedEvent {
  const rules = { validate: compileSchemas(draft), mappings: compileMappings(draft) };
  const parsed = parseItem('', { user_id: userId, ...event }, rules, undefined, at);
  if (isRejection(parsed)) {
    const pointer = toJsonPointer(['event', ...parsed.path.split(/[.[\]]+/).filter((part) => part !== '')]);
    throw new TidingsError('invalid_request', parsed.message, { pointer });
  }
  if (parsed.userId !== userId) {
    throw new TidingsError('invalid_request', 'The event is about another user.', { pointer: '/event/user_id' });
  }
  return withPostedAddresses(parsed);
}
