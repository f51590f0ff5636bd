import type { NotificationType } from '../model/catalog.ts';
import type { PlanUser } from '../model/plan.ts';
import type { Hours, Policy } from '../model/preferences.ts';
import { NO_TERMS } from '../model/terms.ts';
import { type EffectiveQuestion, findEffective, findEffectiveDigestTime } from '../plan/effective.ts';
import type { SaidOfScope, Uptake } from '../store/preference-uptake.ts';
import { formatTimeOfDay } from '../time/hours.ts';

/** A user without traits and terms. */
const ANYONE: PlanUser = { userId: '', profile: { traits: {}, traitTimes: {} }, isBoundTo: () => false };

/** Numbers of users who turned something off, and on. */
interface Chosen {
  readonly off: number;
  readonly on: number;
}

/** Returns what goes to a user who has said nothing, what they may change, and how many users changed it. */
export function describePreferences(types: Iterable<NotificationType>, policy: Policy, uptake: Uptake, now: number) {
  const question: EffectiveQuestion = { terms: NO_TERMS, policy, user: ANYONE, now };
  const chosen = new Choices(uptake.said);
  const effective = findEffective(types, question);
  const named = [...new Set(effective.map(({ category }) => category))].sort();
  return {
    types: effective.map(({ channels, ...type }) => ({
      ...type,
      chosen: chosen.of(`t:${type.type}`),
      channels: Object.fromEntries(
        Object.entries(channels).map(([channel, cell]) => [
          channel,
          { ...cell, chosen: chosen.ofChannel(type.type, channel) },
        ]),
      ),
    })),
    categories: named.map((category) => ({
      category,
      chosen: chosen.of(`c:${category}`),
      channels: chosen.below(`c:${category}/`),
    })),
    everything: { chosen: chosen.of('*'), channels: chosen.below('ch:') },
    users: { counted: uptake.users, has_more: uptake.hasMore },
    zone: policy.zone,
    quiet_hours: policy.quietHours
      ? { hours: formatHours(policy.quietHours), zone: policy.quietHours.zone ?? null }
      : null,
    legal_hours: Object.entries(policy.legalHours).map(([channel, hours]) => ({
      channel,
      hours: formatHours(hours),
      pass: [...hours.pass],
    })),
    digest_time: toDigestTime(findEffectiveDigestTime(question)),
    caps: Object.entries(policy.caps).map(([channel, { perMinute, perHour, perDay, burst }]) => ({
      channel,
      per_minute: perMinute ?? null,
      per_hour: perHour ?? null,
      per_day: perDay ?? null,
      burst: burst ?? null,
    })),
    caps_pass: [...policy.capsPass],
  };
}

function formatHours({ start, end }: Hours): string {
  return `${formatTimeOfDay(start)}-${formatTimeOfDay(end)}`;
}

function toDigestTime({ at, day }: ReturnType<typeof findEffectiveDigestTime>) {
  return { at, day };
}

/** The choices of users, by scope. */
class Choices {
  readonly #said: readonly SaidOfScope[];

  constructor(said: readonly SaidOfScope[]) {
    this.#said = said;
  }

  of(scope: string): Chosen {
    return sum(this.#said.filter((one) => one.scope === scope));
  }

  /** Counts a channel of a type, also for those who chose other channels of it. */
  ofChannel(type: string, channel: string): Chosen {
    const lists = this.#said.filter(({ scope, channels }) => scope === `t:${type}` && channels !== null);
    const { off, on } = this.of(`t:${type}/${channel}`);
    const count = (has: boolean) =>
      lists.filter(({ channels }) => channels?.includes(channel) === has).reduce((n, { users }) => n + users, 0);
    return { off: off + count(false), on: on + count(true) };
  }

  /** Counts each channel below a scope. */
  below(prefix: string): { [channel: string]: Chosen } {
    const scopes = new Set(this.#said.map(({ scope }) => scope).filter((scope) => scope.startsWith(prefix)));
    return Object.fromEntries([...scopes].map((scope) => [scope.slice(prefix.length), this.of(scope)]));
  }
}

function sum(said: readonly SaidOfScope[]): Chosen {
  return said.reduce((total, { off, on }) => ({ off: total.off + off, on: total.on + on }), { off: 0, on: 0 });
}
