/** Choices of a user, as the change of preferences that would say the same. */

import type { JsonObject } from '../model/event.ts';
import type { Terms } from '../model/terms.ts';
import { WEEKDAYS } from '../model/terms.ts';
import { formatTimeOfDay } from '../time/hours.ts';

type Cell = { [field: string]: boolean | string | string[] };

/** Returns the body of a PUT that leaves the preferences as they are. Nothing that the user has taken back is in it. */
export function findChosen(terms: Terms): JsonObject {
  const categories: { [name: string]: Cell } = {};
  const types: { [name: string]: Cell } = {};
  const channels: { [name: string]: boolean } = {};
  let all: boolean | 'only_listed' | undefined;
  for (const [scope, { on, channels: list, freq }] of Object.entries(terms.p ?? {})) {
    const value = on?.[0] ?? undefined;
    if (scope === '*') {
      if (value !== undefined) all = value === 'listed' ? 'only_listed' : value === 1;
      continue;
    }
    const [kind, rest = ''] = [scope.slice(0, scope.indexOf(':')), scope.slice(scope.indexOf(':') + 1)];
    if (kind === 'ch') {
      if (value !== undefined) channels[rest] = value === 1;
      continue;
    }
    const [name = '', channel = 'enabled'] = rest.split('/');
    const cell = {
      ...(value !== undefined && { [channel]: value === 1 }),
      ...(list?.[0] && { channels: [...list[0]] }),
      ...(freq?.[0] && { frequency: freq[0] }),
    };
    if (Object.keys(cell).length === 0) continue;
    const cells = kind === 'c' ? categories : types;
    cells[name] = { ...cells[name], ...cell };
  }
  const quiet = terms.q?.[0] ?? undefined;
  const digest = terms.d?.[0] ?? undefined;
  return {
    ...(all !== undefined && { all }),
    ...(Object.keys(channels).length > 0 && { channels }),
    ...(Object.keys(categories).length > 0 && { categories }),
    ...(Object.keys(types).length > 0 && { types }),
    ...(quiet !== undefined && { quiet_hours: toQuietHours(quiet) }),
    ...(digest !== undefined && { digest_time: toDigestTime(digest) }),
  };
}

function toQuietHours(quiet: 0 | readonly [start: number, end: number, zone: string | null]): JsonObject {
  if (quiet === 0) return { enabled: false };
  const [start, end, zone] = quiet;
  return { start: formatTimeOfDay(start), end: formatTimeOfDay(end), ...(zone !== null && { zone }) };
}

function toDigestTime([at, day]: readonly [at: number | null, day: number | null]): JsonObject {
  return {
    ...(at !== null && { at: formatTimeOfDay(at) }),
    ...(day !== null && { day: WEEKDAYS[day - 1] as string }),
  };
}
