import type { Millis } from '../../model/event.ts';
import type { CompiledRule } from '../compile/rule-set.ts';
import type { DecisionContext } from '../context.ts';
import type { Wait } from '../facts.ts';
import { updateWait } from './wait.ts';
import { computeWindowEnd } from './window-span.ts';

/** Removes the items up to a time, and those that were only counted. Returns false, changing nothing, if no item is left. */
export function dropItems(ctx: DecisionContext, compiled: CompiledRule, window: Wait, upTo: Millis): boolean {
  const left = (window.state.items ?? []).filter(({ at }) => Date.parse(at) > upTo);
  const [first, last] = [left[0], left.at(-1)];
  if (!first || !last) return false;
  const span = { first: Date.parse(first.at), last: Date.parse(last.at) };
  // If the version of the wait has no digest under this name, the window ends when it was due.
  const due = compiled.rule.digest ? computeWindowEnd(ctx, compiled, span) : window.dueAt;
  updateWait(ctx, window, due, { ...window.state, ...span, items: left, total: left.length });
  return true;
}
