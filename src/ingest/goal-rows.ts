import type { Catalog } from '../catalog/compile/compile-catalog.ts';
import type { Decision } from '../model/decision.ts';
import type { Batch } from '../store/batch.ts';
import type { GoalRows } from '../store/goals/goal-rows.ts';

/** Returns what a batch has for goals: nothing, and at once, if no catalog that decided has any. */
export function toGoalRows(
  { events, waits }: Pick<Batch, 'events' | 'waits'>,
  versions: ReadonlyMap<number, Catalog>,
): GoalRows | undefined {
  if (![...versions.values()].some(({ goals }) => goals !== undefined)) return undefined;
  const goalsOf = (version: number) => versions.get(version)?.goals;
  const exposures = new Map<string, GoalRows['exposures'][number]>();
  const expose = (userId: string, version: number, decisions: readonly Decision[]) => {
    const experiments = goalsOf(version)?.experiments;
    if (!experiments?.size) return;
    for (const { rule, evidence } of decisions) {
      if (evidence.split === undefined || !experiments.has(rule)) continue;
      const key = `${rule} ${userId}`;
      if (!exposures.has(key)) exposures.set(key, { userId, rule, variant: evidence.split.variant });
    }
  };
  const found = events.flatMap(({ event: { userId, type, time }, decisions, catalogVersion }) => {
    expose(userId, catalogVersion, decisions);
    const targets = goalsOf(catalogVersion)?.byEvent.get(type);
    return targets ? [{ userId, time, targets }] : [];
  });
  for (const { wait, decisions, decidedBy } of waits) expose(wait.userId, decidedBy ?? wait.catalogVersion, decisions);
  const types = new Map(
    [...versions].flatMap(([version, { goals }]) => (goals ? [[version, goals.types] as const] : [])),
  );
  return { events: found, exposures: [...exposures.values()], types };
}
