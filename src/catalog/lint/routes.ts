import type { CatalogData } from '../../model/catalog.ts';
import type { Route, RouteEntry } from '../../model/route.ts';
import type { Report } from './findings.ts';

/**
 * Reports routes of channels that no notification type has, entries that are never reached, weights without an effect, and routes
 * that leave out the messages for which no condition holds.
 */
export function checkRoutes({ routes = [], notifications }: CatalogData, report: Report): void {
  const used = new Set(notifications.flatMap(({ channels }) => channels));
  for (const route of routes) {
    const { channel, entries } = route;
    if (!used.has(channel)) report('unused_route', ['routes', channel], `no notification type is sent by ${channel}`);
    if (entries.length > 0 && entries.every(({ when }) => when !== undefined)) {
      const message = `a message for which none of these conditions holds has no account: it waits, and is never sent`;
      report('route_gap', ['routes', channel], message, `add an entry without "when"`);
    }
    checkEntries(route, report);
  }
}

function checkEntries({ channel, entries }: Route, report: Report): void {
  const always = new Map<string, number>();
  for (const { account, tier, when } of entries) {
    if (when === undefined) always.set(account, Math.min(tier, always.get(account) ?? tier));
  }
  for (const [index, entry] of entries.entries()) {
    const { account, tier, weight } = entry;
    const earlier = always.get(account);
    if (earlier !== undefined && earlier < tier) {
      const message = `${account} is in tier ${earlier} for every message already: this entry is never reached`;
      report('unreachable_entry', ['routes', channel, index], message, 'remove it, or give it the earlier tier');
    } else if (weight !== 1 && entries.filter((one) => isShared(one, entry)).length === 1) {
      const message = `"weight" has no effect: ${account} shares its messages with no other account of tier ${tier}`;
      report('useless_weight', ['routes', channel, index, 'weight'], message);
    }
  }
}

/** Whether two entries may share messages: of one tier, both with conditions or both without. */
function isShared(one: RouteEntry, other: RouteEntry): boolean {
  return one.tier === other.tier && (one.when === undefined) === (other.when === undefined);
}
