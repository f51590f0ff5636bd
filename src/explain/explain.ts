import type { CatalogCache } from '../catalog/cache.ts';
import { TidingsError } from '../errors.ts';
import type { Rule } from '../model/catalog.ts';
import { OUTCOMES, type Outcome } from '../model/decision.ts';
import type { Seal } from '../privacy/seal.ts';
import { getNotificationTypes } from '../rules/compile/rule-set.ts';
import { loadNotifications } from '../store/deliveries/delivery-views.ts';
import { countDecisions, countEvents, type DecisionCount, hasMoreThanExamined } from '../store/facts/user-counts.ts';
import { loadRejected } from '../store/rejected.ts';
import { listReleases, type StoredRelease } from '../store/releases/releases.ts';
import { type DecisionView, loadDecisions } from '../store/timeline.ts';
import { loadProfile, loadTraits } from '../store/users.ts';
import type { HoldSources } from './hold-facts.ts';
import { findHolds } from './holds.ts';
import { getAwaitedTypes, writeExplanation } from './paragraph.ts';
import { findReleaseOf, type ReleaseOfDecision } from './release-of.ts';

/** Number of latest decisions that an explanation lists; its counts cover all that were examined. */
const MAX_LISTED_DECISIONS = 200;

/** Latest releases of a tenant that decisions are compared with. */
const MAX_EXAMINED_RELEASES = 100;

/** Parts of Tidings that an explanation reads from. */
export interface ExplainSources extends HoldSources {
  readonly catalogs: CatalogCache;
  readonly seal: Seal;
}

/**
 * Explains why a user did, or did not, get a notification of a type: the answer and its paragraph, the rules that send the
 * type with counts of their decisions, and the latest decisions and notifications, newest first.
 *
 * @throws TidingsError `not_found` if neither the active catalog nor a stored decision knows the notification type
 */
export async function explainNotification(sources: ExplainSources, tenantId: string, userId: string, type: string) {
  const { pool, catalogs, seal } = sources;
  await catalogs.refresh(tenantId);
  const catalog = await catalogs.getActiveOf(tenantId, userId);
  const decisions = await loadDecisions(pool, tenantId, userId, MAX_LISTED_DECISIONS, { type });
  if (!catalog.rules.notifications.has(type) && decisions.length === 0) {
    const known = [...catalog.rules.notifications.keys()].join(', ');
    const message = `The catalog has no notification type of this name; it has: ${known || 'none'}.`;
    throw new TidingsError('not_found', message, { pointer: 'notification_type' });
  }
  const rules = catalog.data.rules.filter((rule) => getNotificationTypes(rule).includes(type));
  const ruleNames = rules.map(({ name }) => name);
  const allCounts = await countDecisions(pool, tenantId, userId, type, ruleNames);
  const counts = allCounts.filter(({ isAbout }) => isAbout);
  const isComplete = !(await hasMoreThanExamined(pool, tenantId, userId));
  const sends = sumCounts(counts, 'send');
  const scheduled = sumCounts(counts, 'scheduled');
  let latestSend = decisions.find(({ outcome }) => outcome === 'send') ?? null;
  if (!latestSend && sends > 0) {
    const older = await loadDecisions(pool, tenantId, userId, 1, { type, outcome: 'send' });
    latestSend = older[0] ?? null;
  }
  const notificationIds = new Set([latestSend, ...decisions].flatMap((decision) => decision?.notification_id ?? []));
  const notifications = await loadNotifications(pool, tenantId, userId, [...notificationIds]);
  // The paragraph speaks of the latest one alone.
  const latest = notifications.find(({ notification_id: id }) => id === latestSend?.notification_id);
  const holds = latest ? await findHolds(sources, tenantId, latest) : undefined;
  const profile = await loadProfile(pool, tenantId, userId);
  const audiences = ruleNames.map((name) => catalog.rules.byName.get(name)?.audience);
  const user = audiences.some((audience) => audience) ? await loadTraits(pool, seal, tenantId, userId) : {};
  const outsideAudience = ruleNames.filter((_, index) => {
    const audience = audiences[index];
    return audience && audience.evaluate({ event: {}, traits: {}, user }).kind !== 'true';
  });
  const considered = countConsidered(allCounts);
  const decidedOnlyOthers = ruleNames
    .filter((name) => !counts.some(({ rule }) => rule === name))
    .map((name): [string, number] => [name, considered.get(name) ?? 0]);

  const releases = await listReleases(pool, tenantId, MAX_EXAMINED_RELEASES);
  const shown = decisions.map((decision) => withRelease(decision, releases, userId));
  const { answer, paragraph } = writeExplanation({
    userId,
    notificationType: type,
    known: profile !== null,
    catalogVersion: catalog.version,
    isComplete,
    rules,
    decisions,
    latestSend,
    counts: {
      sends,
      others: sumCounts(counts.filter(({ stage }) => stage !== 'late')) - sends - scheduled,
      considered: countConsidered(counts),
    },
    elsewhere: new Map(decidedOnlyOthers),
    outside: new Set(outsideAudience),
    deliveries: notifications.flatMap(({ deliveries }) =>
      deliveries.map((one) => {
        const hold = holds?.get(one.delivery_id);
        return hold === undefined ? one : { ...one, hold };
      }),
    ),
    seen: await countEvents(pool, tenantId, userId, [...getAwaitedTypes(rules)]),
    rejected: await loadRejected(pool, seal, tenantId, userId, MAX_LISTED_DECISIONS),
  });
  const names = new Set([...ruleNames, ...counts.map(({ rule }) => rule)]);
  return {
    user_id: userId,
    notification_type: type,
    answer,
    paragraph: addRelease(paragraph, shown, latestSend?.decision_id),
    catalog_version: catalog.version,
    is_complete: isComplete,
    rules: [...names].map((name) => ({
      rule: name,
      ...toRuleSummary(rules.find((rule) => rule.name === name)),
      decisions: countByOutcome(counts.filter(({ rule }) => rule === name)),
    })),
    decisions: shown,
    notifications,
  };
}

function withRelease(decision: DecisionView, releases: readonly StoredRelease[], userId: string) {
  const about = { version: decision.catalog_version, at: Date.parse(decision.decided_at) };
  const release = findReleaseOf(releases, userId, about);
  return release ? { ...decision, release } : decision;
}

/** Adds which version decided, and why that one, if the notification was decided during a release. */
function addRelease(
  paragraph: string,
  decisions: readonly (DecisionView & { readonly release?: ReleaseOfDecision })[],
  sendId: string | undefined,
): string {
  const decision = sendId === undefined ? decisions[0] : decisions.find(({ decision_id: id }) => id === sendId);
  return decision?.release ? `${paragraph} ${decision.release.reason}` : paragraph;
}

function countByOutcome(counts: readonly DecisionCount[]): { [outcome: string]: number } {
  return Object.fromEntries(OUTCOMES.map((outcome) => [outcome, sumCounts(counts, outcome)]));
}

function sumCounts(counts: readonly DecisionCount[], outcome?: Outcome): number {
  return counts
    .filter((entry) => outcome === undefined || entry.outcome === outcome)
    .reduce((sum, { count }) => sum + count, 0);
}

/** Returns how often each rule considered a trigger. A wait is counted once, when it began. */
function countConsidered(counts: readonly DecisionCount[]): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const { rule, count, stage } of counts) {
    if (stage === 'trigger') found.set(rule, (found.get(rule) ?? 0) + count);
  }
  return found;
}

/** Returns the main parts of a rule as written; of undefined (a rule that the active catalog no longer has) empty ones. */
function toRuleSummary(rule: Rule | undefined) {
  return {
    on: rule?.on ?? [],
    when: rule?.when ?? null,
    every: rule?.every?.text ?? null,
    for: rule?.audience ?? null,
    after: rule?.after.map(({ event, withinText }) => ({ event, within: withinText }))[0] ?? null,
    limits: rule?.limits.map((limit) => limit.text) ?? [],
    active: rule !== undefined,
  };
}
