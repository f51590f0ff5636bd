import type { Evidence } from '../model/decision.ts';
import type { CompiledRule } from './compile/rule-set.ts';
import type { Writable } from './context.ts';
import type { LeftOut } from './facts.ts';
import type { UserState } from './user-state.ts';

/** Adds to the evidence of a rule that facts which it may look at were left out. */
export function addLeftOut(
  { rule, hasWait }: CompiledRule,
  { leftOut }: UserState,
  evidence: Writable<Evidence>,
): void {
  if (!leftOut) return;
  const { on, after, count, unless, cancelOn } = rule;
  const types = new Set([...on, ...after.map(({ event }) => event), ...(count?.of ?? []), ...cancelOn]);
  if (count?.window.kind === 'since') types.add(count.window.event);
  for (const type of unless?.events ?? []) types.add(type);
  const relevant = leftOut.filter(({ facts, type }) => {
    if (facts === 'waits') return hasWait;
    return type === '' || types.has(type);
  });
  if (relevant.length === 0) return;
  evidence.left_out = relevant.map(({ facts, type, examined, bound }) => {
    return { facts, ...(type !== '' && { event_type: type }), examined, bound };
  });
}

/** Remembers that facts were left out; of two look-ups of the same facts the one that knows fewer. */
export function rememberLeftOut(user: UserState, leftOut: LeftOut): void {
  user.leftOut ??= [];
  const known = user.leftOut.findIndex(({ facts, type }) => facts === leftOut.facts && type === leftOut.type);
  if (known < 0) user.leftOut.push(leftOut);
  else if (leftOut.examined < (user.leftOut[known]?.examined ?? 0)) user.leftOut[known] = leftOut;
}
