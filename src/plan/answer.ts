import type { Channel } from '../model/delivery.ts';
import type { Json, Millis } from '../model/event.ts';
import type { PlanQuestion } from '../model/plan.ts';
import type { PlanCode } from '../model/plan-codes.ts';
import type { PreferenceScope } from '../model/terms.ts';

/** Decision of one policy about one channel. */
export interface Answer {
  readonly verdict: 'go' | 'drop';
  readonly code: PlanCode;
  readonly level: string;
  readonly value: Json;
  /** When the user said so; absent: it is the policy of the tenant. */
  readonly since?: Millis;
}

/** A policy: returns its answer about one channel; undefined: it does not decide, and the next one is asked. */
export type AskPolicy = (question: PlanQuestion, channel: Channel) => Answer | undefined;

/** Returns the scopes that cover a type on a channel, the most specific first, without that of everything. */
export function scopesOf({ type }: Pick<PlanQuestion, 'type'>, channel: Channel): readonly PreferenceScope[] {
  const { name, category } = type;
  return [`t:${name}/${channel}`, `t:${name}`, `c:${category}/${channel}`, `c:${category}`, `ch:${channel}`];
}

/** A switch, on or off, of a scope. */
export interface ScopeSwitch {
  readonly scope: PreferenceScope;
  readonly isOn: boolean;
}

/** Returns the first of these scopes that has a switch, so the most specific one; undefined: none has. */
export function findSwitch(
  switches: { readonly [scope: PreferenceScope]: boolean },
  scopes: readonly PreferenceScope[],
): ScopeSwitch | undefined {
  for (const scope of scopes) {
    const isOn = switches[scope];
    if (isOn !== undefined) return { scope, isOn };
  }
  return undefined;
}

/** Returns a scope in words: `type ORDER_SHIPPED / sms`. */
export function describeScope(scope: PreferenceScope): string {
  if (scope === '*') return 'everything';
  const [kind, rest = ''] = [scope.slice(0, scope.indexOf(':')), scope.slice(scope.indexOf(':') + 1)];
  const words = kind === 't' ? 'type' : kind === 'c' ? 'category' : 'channel';
  return `${words} ${rest.replace('/', ' / ')}`;
}
