import type pg from 'pg';
import { compileRuleSet } from '../../catalog/compile/compile-rule-set.ts';
import { findNamedFields } from '../../catalog/compile/named-fields.ts';
import type { FieldsByType } from '../../events/named-fields.ts';
import { type CatalogData, EMPTY_CATALOG } from '../../model/catalog.ts';
import { ADDRESS_TRAITS, type Millis } from '../../model/event.ts';
import type { Seal } from '../../privacy/seal.ts';
import type { RuleSet } from '../../rules/compile/rule-set.ts';
import { loadCatalogs } from '../../store/catalogs.ts';
import { listMergedSince } from '../../store/merge/merged-users.ts';
import { countUsers, readHistories, type StoredHistory, type UserBounds } from '../../store/replay.ts';
import { Backtest, type BacktestReport } from './backtest.ts';

export interface BacktestQuery {
  readonly tenantId: string;
  /** The catalog to try; null: the past decisions are repeated with the catalogs of their time. */
  readonly candidate: CatalogData | null;
  /** Start of the period, included. */
  readonly since: Millis;
  /** End of the period, excluded. */
  readonly until: Millis;
  /** Absent: all users. */
  readonly userId?: string;
  /** Opens what is sealed, and hashes keys as production does; absent: what is sealed is replayed masked. */
  readonly seal?: Seal;
  /** Bounds for a caller that shares the process with others; absent: the whole history is replayed. */
  readonly bounds?: BacktestBounds;
}

export interface BacktestBounds {
  /** History of one user: those with more are left out. */
  readonly user: UserBounds;
  /** Times at which something happens to one user, at most: those with more are left out. */
  readonly steps: number;
  /** Bytes of earlier versions of the catalog, the newest first: users with decisions by others are left out. */
  readonly catalogBytes: number;
  /** Examples of each change of a type. */
  readonly examples: number;
  /** Users that are counted before it begins, at most. */
  readonly countedUsers: number;
  /** Whether it is to end, after this number of events. */
  readonly isOver: (events: number) => boolean;
  /** Called after each step of each user: lets others work. */
  readonly pause: () => Promise<void>;
}

export interface BacktestProgress {
  readonly users: number;
  readonly totalUsers: number;
  readonly events: number;
  readonly isDone: boolean;
}

/** A report, and how many users it is of. */
export interface RunBacktest {
  readonly report: BacktestReport;
  readonly totalUsers: number;
  /** False: a bound ended it before the last user. */
  readonly isWhole: boolean;
}

/**
 * Replays the stored history of the tenant's users and compares what is decided with what was decided. Reads a page of
 * users at a time, and writes nothing.
 *
 * @param onProgress called after each page
 */
export async function runBacktest(
  pool: pg.Pool,
  query: BacktestQuery,
  onProgress: (progress: BacktestProgress) => void = () => {},
): Promise<BacktestReport> {
  return (await runBoundedBacktest(pool, query, onProgress)).report;
}

/** Does what `runBacktest` does, within the bounds of the query. */
export async function runBoundedBacktest(
  pool: pg.Pool,
  query: BacktestQuery,
  onProgress: (progress: BacktestProgress) => void = () => {},
): Promise<RunBacktest> {
  const { tenantId, candidate, since, until, userId, seal, bounds } = query;
  const applied = await loadCatalogs(pool, tenantId, bounds?.catalogBytes);
  const candidateRules = candidate && compileRuleSet(Math.max(0, ...applied.keys()) + 1, candidate);
  const readsAddresses = [...applied.values(), candidate].some((data) => data && mayReadAddresses(data));
  const comparesAddresses = [...applied.values(), candidate].some((data) => data && asksForRecords(data));
  const backtest = new Backtest({
    since,
    until,
    candidate: candidateRules,
    version: compileOnDemand(applied),
    readsAddresses,
    comparesAddresses,
    ...(bounds && { examples: bounds.examples }),
    ...(seal && { keyed: (text: string) => seal.hash(text) }),
  });
  const totalUsers = userId === undefined ? await countUsers(pool, tenantId, bounds?.countedUsers) : 1;
  // A scheduled rule may act on a user without events in the period.
  const includeIdle = (candidateRules?.scheduled.length ?? 0) > 0;
  // A merge unites what was known of two users, and the history of each keeps its id: neither can be replayed alone.
  const merged = await listMergedSince(pool, tenantId, since);
  let users = 0;
  let isCut = false;
  const isOver = () => {
    isCut ||= bounds?.isOver(backtest.events) ?? false;
    return isCut;
  };
  const namedFields = findNamedOnDemand(applied, candidate);
  const only = {
    namedFields,
    ...(userId !== undefined && { userId }),
    ...(seal && { seal }),
    restoreAddresses: readsAddresses,
    ...(bounds && { bounds: bounds.user, isOver }),
  };
  for await (const page of readHistories(pool, { tenantId, since, until, includeIdle, ...only })) {
    for (const left of page.leftOut) backtest.skipUser(left);
    for (const history of page.histories) {
      if (merged.has(history.userId) || !hasVersions(history, applied)) backtest.skipUser(history.userId);
      else if (bounds) await addBounded(backtest, history, { ...bounds, isOver });
      else backtest.addUser(history);
      if (bounds && isOver()) break;
    }
    users += page.users;
    onProgress({ users, totalUsers, events: backtest.events, isDone: false });
  }
  onProgress({ users: totalUsers, totalUsers, events: backtest.events, isDone: true });
  return { report: backtest.report(), totalUsers, isWhole: !isCut };
}

/** Adds a user, unless it takes too many steps, or the backtest is over meanwhile. */
async function addBounded(
  backtest: Backtest,
  history: StoredHistory,
  { steps, isOver, pause }: Pick<BacktestBounds, 'steps' | 'pause'> & { readonly isOver: () => boolean },
): Promise<void> {
  let count = 0;
  for (const _ of backtest.addUserInSteps(history)) {
    if (++count > steps) return backtest.skipUser(history.userId);
    await pause();
    if (isOver()) return;
  }
}

/** Whether the versions are loaded that decided about a user. Version 0 has no rules. */
export function hasVersions({ events, waits }: StoredHistory, applied: ReadonlyMap<number, CatalogData>): boolean {
  const isKnown = (version: number) => version === 0 || applied.has(version);
  return (
    events.every(({ catalogVersion }) => isKnown(catalogVersion)) &&
    waits.every((wait) => isKnown(wait.catalogVersion) && isKnown(wait.endedVersion ?? 0))
  );
}

/** Finds the fields that the rules of any version name, when they are first asked for. Templates are not replayed. */
function findNamedOnDemand(
  applied: ReadonlyMap<number, CatalogData>,
  candidate: CatalogData | null,
): () => FieldsByType {
  let named: FieldsByType | undefined;
  return () => {
    if (named) return named;
    const all = [...applied.values(), ...(candidate ? [candidate] : [])];
    const rules = all.flatMap((data) => [...compileRuleSet(0, data).byName.values()]);
    named = findNamedFields(rules, []);
    return named;
  };
}

/** Whether a rule may read an address of the user; true for some that do not. Cheaper than to compile every version. */
export function mayReadAddresses({ rules }: CatalogData): boolean {
  return ADDRESS_READ.test(JSON.stringify(rules));
}

const ADDRESS_READ = new RegExp(String.raw`${Object.keys(ADDRESS_TRAITS).join('|')}|\b(?:traits|user)\b(?!\.)`);

/** Whether a policy may ask for recorded consents. */
export function asksForRecords({ preferences }: CatalogData): boolean {
  return Object.values(preferences?.consent ?? {}).some((sources) => sources.includes('record'));
}

/** Compiles a version when it is first asked for: of many versions, few decided anything in the period. */
export function compileOnDemand(applied: ReadonlyMap<number, CatalogData>): (version: number) => RuleSet {
  const compiled = new Map<number, RuleSet>();
  return (version) => {
    let rules = compiled.get(version);
    if (!rules) {
      // Version 0 was active before the first catalog was applied: it has no rules.
      rules = compileRuleSet(version, applied.get(version) ?? EMPTY_CATALOG);
      compiled.set(version, rules);
    }
    return rules;
  };
}
