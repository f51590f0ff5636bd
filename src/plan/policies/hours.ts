import type { Millis } from '../../model/event.ts';
import type { PlanQuestion } from '../../model/plan.ts';
import type { PlanCode } from '../../model/plan-codes.ts';
import { type DailyHours, findHoursStart, formatTimeOfDay } from '../../time/hours.ts';
import { findZone } from '../../time/zone.ts';

/** Hours in which a message must wait. */
export interface ClosedHours extends DailyHours {
  readonly code: Extract<PlanCode, 'legal_hours' | 'quiet_hours'>;
  readonly level: string;
  /** As a user reads them, with the zone and where it is from: `22:00-08:00 Europe/Berlin (zone of the user)`. */
  readonly value: string;
  /** When the user set them; absent: the tenant did. */
  readonly since?: Millis;
}

/** A zone, and where it is from. */
export interface FoundZone {
  readonly zone: string;
  readonly from: string;
}

/** Returns the zone of the user; undefined: it is not known. */
export function findUserZone({ user }: Pick<PlanQuestion, 'user'>): FoundZone | undefined {
  const own = user.profile.traits.time_zone;
  return typeof own === 'string' && findZone(own) !== undefined ? { zone: own, from: 'zone of the user' } : undefined;
}

/** Returns the zone of the tenant, for a user whose own is not known. */
export function findTenantZone({ policy }: Pick<PlanQuestion, 'policy'>): FoundZone {
  return { zone: policy.zone, from: 'zone of the tenant: that of the user is not known' };
}

export function describeHours(start: number, end: number, { zone, from }: FoundZone): string {
  return `${formatTimeOfDay(start)}-${formatTimeOfDay(end)} ${zone} (${from})`;
}

/** Returns when the next of these hours begin; infinity without any. */
export function findNextClosed(time: Millis, all: readonly ClosedHours[]): Millis {
  return all.reduce((next, hours) => Math.min(next, findHoursStart(time, hours)), Number.POSITIVE_INFINITY);
}
