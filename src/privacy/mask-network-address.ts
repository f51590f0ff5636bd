import { isIPv6 } from 'node:net';
import { LRUCache } from 'lru-cache';

/** Masks in memory: most callers send many requests from one address. */
const masks = new LRUCache<string, string>({ max: 10_000 });

/** Returns the network of an address, to be shown: `203.0.113.0/24`, or `2001:db8:1::/48`. */
export function maskNetworkAddress(address: string): string {
  let mask = masks.get(address);
  if (mask === undefined) {
    mask = computeMask(address);
    masks.set(address, mask);
  }
  return mask;
}

function computeMask(address: string): string {
  const v4 = /^(?:::ffff:)?(\d+\.\d+\.\d+)\.\d+$/i.exec(address);
  if (v4) return `${v4[1]}.0/24`;
  if (!isIPv6(address)) return 'unknown';
  const groups = new URL(`http://[${address.split('%')[0]}]`).hostname.slice(1, -1).split('::')[0]?.split(':') ?? [];
  return `${groups.slice(0, 3).filter(Boolean).join(':')}::/48`;
}
