import { appendTo } from '../../lib/group-by.ts';
import type { Decision, Evidence } from '../../model/decision.ts';
import type { Millis } from '../../model/event.ts';
import type { StoredHistory } from '../../store/replay.ts';
import { DAY_MS, isoTime } from '../../time/iso-time.ts';
import { decisionsEqual } from './decisions-equal.ts';
import { type BacktestPlan, pastDecisions, type Verdict } from './history.ts';
import { Load, type LoadReport } from './load.ts';
import { replaySteps } from './replay.ts';

/** The result of a backtest, as plain JSON. Times are ISO 8601 in UTC. */
export interface BacktestReport {
  /** `candidate`: what a catalog would have sent. `live`: the past decisions made again, to see that they are reproduced. */
  readonly mode: 'candidate' | 'live';
  readonly since: string;
  readonly until: string;
  readonly users: number;
  /** Events received from `since` on. */
  readonly events: number;
  /** Users with too many events to be replayed. */
  readonly left_out: readonly string[];
  readonly totals: Counts;
  readonly load: LoadReport;
  /** In order of name. */
  readonly types: readonly TypeReport[];
  /** For `live`: every decision, not only sends. */
  readonly reproduced?: {
    readonly decisions: number;
    readonly different: number;
    readonly examples: readonly ReproductionDifference[];
  };
}

export interface Counts {
  readonly live: number;
  readonly new: number;
  readonly added: number;
  readonly removed: number;
  readonly moved: number;
  /** At the same time, but a channel is dropped, held or folded that was not, or no longer is. */
  readonly replanned: number;
  readonly unchanged: number;
}

export interface TypeReport extends Counts {
  readonly type: string;
  /** Days (UTC) with a send on either side, in order. */
  readonly days: readonly { readonly day: string; readonly live: number; readonly new: number }[];
  readonly examples: readonly Example[];
}

export interface Example {
  readonly change: Change;
  readonly user_id: string;
  /** Absent: there was no such decision at all. */
  readonly live?: ReportedDecision;
  readonly new?: ReportedDecision;
}

export type Change = 'added' | 'removed' | 'moved' | 'replanned';

export interface ReportedDecision
  extends Pick<Decision, 'rule' | 'outcome' | 'reason_code' | 'reason' | 'event_ids' | 'evidence'> {
  readonly at: string;
}

export interface ReproductionDifference {
  readonly user_id: string;
  /** The key of the event, or the id of the wait. */
  readonly source: string;
  readonly live: readonly Decision[];
  readonly new: readonly Decision[];
}

/** So many examples of each change of a type. */
const EXAMPLES = 5;

/** Replays one user after the other, and keeps counts and a few examples: memory does not grow with the number of users. */
export class Backtest {
  readonly #plan: BacktestPlan;
  readonly #types = new Map<string, Tally>();
  readonly #skipped: string[] = [];
  readonly #differences: ReproductionDifference[] = [];
  readonly #load = new Load();
  #users = 0;
  #events = 0;
  #decisions = 0;
  #different = 0;

  constructor(plan: BacktestPlan) {
    this.#plan = plan;
  }

  /** Events replayed so far. */
  get events(): number {
    return this.#events;
  }

  skipUser(userId: string): void {
    this.#skipped.push(userId);
  }

  addUser(history: StoredHistory): void {
    for (const _ of this.addUserInSteps(history));
  }

  /** Does what `addUser` does, a step at a time. A user whose steps are not all taken does not count. */
  *addUserInSteps(history: StoredHistory): Generator<void> {
    const { since, candidate } = this.#plan;
    const verdicts = yield* replaySteps(history, this.#plan);
    this.#users++;
    for (const { receivedAt } of history.events) if (receivedAt >= since) this.#events++;
    if (!candidate) this.#verify(history, verdicts);
    this.#compare(history, verdicts);
  }

  report(): BacktestReport {
    const { since, until, candidate } = this.#plan;
    const types = [...this.#types.values()].sort((a, b) => (a.type < b.type ? -1 : 1));
    return {
      mode: candidate ? 'candidate' : 'live',
      since: isoTime(since),
      until: isoTime(until),
      users: this.#users,
      events: this.#events,
      left_out: this.#skipped,
      totals: sumCounts(types),
      load: this.#load.report(),
      types: types.map(({ days, ...tally }) => ({
        ...tally,
        days: [...days.values()].sort((a, b) => (a.day < b.day ? -1 : 1)),
      })),
      ...(!candidate && {
        reproduced: { decisions: this.#decisions, different: this.#different, examples: this.#differences },
      }),
    };
  }

  #verify(history: StoredHistory, verdicts: readonly Verdict[]): void {
    const past = pastDecisions(history, this.#plan);
    const differ = (source: string, live: readonly Decision[], now: readonly Decision[]) => {
      this.#different += Math.max(live.length, now.length);
      if (this.#differences.length < EXAMPLES) {
        this.#differences.push({ user_id: history.userId, source, live, new: now });
      }
    };
    for (const { source, at, decisions } of verdicts) {
      const live = past.get(source);
      past.delete(source);
      this.#decisions += Math.max(decisions.length, live?.decisions.length ?? 0);
      if (!live || live.at !== at || !decisionsEqual(live.decisions, decisions)) {
        differ(source, live?.decisions ?? [], decisions);
      }
    }
    for (const { source, decisions } of past.values()) {
      this.#decisions += decisions.length;
      differ(source, decisions, []);
    }
  }

  #compare(history: StoredHistory, verdicts: readonly Verdict[]): void {
    const live = listStoredSends(history, this.#plan);
    const virtual = listSends(verdicts);
    if (live.length === 0 && virtual.length === 0) return;
    for (const { type, at } of live) this.#tally(type).count('live', at);
    for (const { type, at } of virtual) this.#tally(type).count('new', at);
    this.#load.addUser('live', live);
    this.#load.addUser('new', virtual);
    const { pairs, added, removed } = pairSends(live, virtual);
    for (const [before, after] of pairs) {
      const tally = this.#tally(after.type);
      const change = before.at !== after.at ? 'moved' : isPlannedAlike(before, after) ? undefined : 'replanned';
      if (!change) tally.unchanged++;
      else
        tally.add(change, () => ({
          user_id: history.userId,
          live: toReportedDecision(before),
          new: toReportedDecision(after),
        }));
    }
    for (const after of added) {
      this.#tally(after.type).add('added', () => {
        const before = findRelatedDecision(pastDecisions(history, this.#plan).values(), after);
        return {
          user_id: history.userId,
          ...(before && { live: toReportedDecision(before) }),
          new: toReportedDecision(after),
        };
      });
    }
    for (const before of removed) {
      this.#tally(before.type).add('removed', () => {
        const after = findRelatedDecision(verdicts, before);
        return {
          user_id: history.userId,
          live: toReportedDecision(before),
          ...(after && { new: toReportedDecision(after) }),
        };
      });
    }
  }

  #tally(type: string): Tally {
    let tally = this.#types.get(type);
    if (!tally) {
      tally = new Tally(type, this.#plan.examples ?? EXAMPLES);
      this.#types.set(type, tally);
    }
    return tally;
  }
}

class Tally implements Counts {
  readonly type: string;
  live = 0;
  new = 0;
  added = 0;
  removed = 0;
  moved = 0;
  replanned = 0;
  unchanged = 0;
  readonly days = new Map<number, { readonly day: string; live: number; new: number }>();
  readonly examples: Example[] = [];
  readonly #maxExamples: number;

  constructor(type: string, maxExamples: number) {
    this.type = type;
    this.#maxExamples = maxExamples;
  }

  count(side: 'live' | 'new', at: Millis): void {
    this[side]++;
    const number = Math.floor(at / DAY_MS);
    let day = this.days.get(number);
    if (!day) {
      day = { day: isoTime(at).slice(0, 10), live: 0, new: 0 };
      this.days.set(number, day);
    }
    day[side]++;
  }

  add(change: Change, example: () => Omit<Example, 'change'>): void {
    this[change]++;
    if (this[change] <= this.#maxExamples) this.examples.push({ change, ...example() });
  }
}

/** One notification, on either side. */
interface SendMade {
  readonly type: string;
  readonly at: Millis;
  readonly decision: Decision;
}

function listStoredSends(history: StoredHistory, { since, until }: BacktestPlan): SendMade[] {
  const sends: SendMade[] = [];
  for (const event of history.events) {
    const { receivedAt, hasFired } = event;
    if (hasFired && receivedAt >= since && receivedAt < until) addSends(sends, receivedAt, event.decisions());
  }
  for (const { endedAt, decisions } of history.waits) {
    if (endedAt !== null && endedAt >= since && endedAt < until) addSends(sends, endedAt, decisions);
  }
  return sends;
}

function listSends(verdicts: readonly Verdict[]): SendMade[] {
  const sends: SendMade[] = [];
  for (const { at, decisions } of verdicts) addSends(sends, at, decisions);
  return sends;
}

function addSends(sends: SendMade[], at: Millis, decisions: readonly Decision[]): void {
  for (const decision of decisions) {
    if (decision.outcome === 'send') sends.push({ type: decision.notification_type, at, decision });
  }
}

/**
 * Pairs sends of both sides: first those with the same time and trigger, then the same wait, trigger, or key.
 * In this order, and the same rule before another. The rest is new or gone.
 */
function pairSends(live: readonly SendMade[], virtual: readonly SendMade[]) {
  const pairs: [SendMade, SendMade][] = [];
  let removed = [...live].sort(byTime);
  let added = [...virtual].sort(byTime);
  // Mostly nothing is different.
  while (isTheSame(removed[0], added[0])) pairs.push([removed.shift() as SendMade, added.shift() as SendMade]);
  for (const nameOf of PAIRING_KEYS) {
    if (removed.length === 0 || added.length === 0) break;
    const byName = new Map<string, SendMade[]>();
    for (const send of removed) {
      const name = nameOf(send);
      if (name === undefined) continue;
      appendTo(byName, `${send.type}\n${name}`, send);
    }
    const gone = new Set<SendMade>();
    added = added.filter((send) => {
      const name = nameOf(send);
      const before = name === undefined ? undefined : byName.get(`${send.type}\n${name}`)?.shift();
      if (!before) return true;
      gone.add(before);
      pairs.push([before, send]);
      return false;
    });
    removed = removed.filter((send) => !gone.has(send));
  }
  return { pairs, added, removed };
}

/** Whether both go by the same channels at the same times, for whatever reason. */
function isPlannedAlike(before: SendMade, after: SendMade): boolean {
  const [some, others] = [before, after].map(({ decision }) => listDetours(decision.evidence.plan));
  return some === others;
}

/** Names what does not go at once, in the order of the channels; mostly nothing. */
function listDetours(plan: Evidence['plan']): string {
  if (!plan) return '';
  const detours = plan.filter(({ verdict }) => verdict !== 'go');
  return detours.map(({ channel, verdict, until }) => `${channel} ${verdict} ${until ?? ''}`).join('\n');
}

function byTime(a: SendMade, b: SendMade): number {
  return a.at - b.at || (a.decision.decision_id < b.decision.decision_id ? -1 : 1);
}

function isTheSame(one: SendMade | undefined, other: SendMade | undefined): boolean {
  return (
    one !== undefined &&
    other !== undefined &&
    one.at === other.at &&
    one.type === other.type &&
    one.decision.rule === other.decision.rule &&
    one.decision.event_ids[0] === other.decision.event_ids[0]
  );
}

const PAIRING_KEYS: readonly ((send: SendMade) => string | undefined)[] = [
  ({ at, decision: { rule, event_ids } }) => `${rule}\n${event_ids[0]}\n${at}`,
  ({ decision: { rule, evidence } }) => evidence.wait && `${rule}\n${evidence.wait.wait_id}`,
  ({ decision: { rule, event_ids } }) => `${rule}\n${event_ids[0]}`,
  ({ at, decision: { event_ids } }) => `${event_ids[0]}\n${at}`,
  ({ decision: { event_ids } }) => event_ids[0],
  ({ decision: { rule, evidence } }) => evidence.key && `${rule}\n${evidence.key}`,
];

/** Returns the last decision of the other side on the same type and trigger, which says why it did not send. */
function findRelatedDecision(
  verdicts: Iterable<Verdict>,
  { type, decision: { event_ids } }: SendMade,
): SendMade | undefined {
  let found: SendMade | undefined;
  for (const { at, decisions } of verdicts) {
    for (const decision of decisions) {
      if (decision.notification_type !== type || !decision.event_ids.includes(event_ids[0] ?? '')) continue;
      if (!found || at >= found.at) found = { type, at, decision };
    }
  }
  return found;
}

function toReportedDecision({ at, decision }: SendMade): ReportedDecision {
  const { rule, outcome, reason_code, reason, event_ids, evidence } = decision;
  return { at: isoTime(at), rule, outcome, reason_code, reason, event_ids, evidence };
}

function sumCounts(all: readonly Counts[]): Counts {
  const total = { live: 0, new: 0, added: 0, removed: 0, moved: 0, replanned: 0, unchanged: 0 };
  for (const one of all) for (const name of Object.keys(total) as (keyof Counts)[]) total[name] += one[name];
  return total;
}
