import { LRUCache } from 'lru-cache';
import { parseNetworkAddress } from '../lib/text/network-address.ts';

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
  const parsed = parseNetworkAddress(address);
  if (!parsed) return 'unknown';
  if (parsed.family === 4) return `${parsed.address.split('.').slice(0, 3).join('.')}.0/24`;
  const groups =
    new URL(`http://[${parsed.address.split('%')[0]}]`).hostname.slice(1, -1).split('::')[0]?.split(':') ?? [];
  return `${groups.slice(0, 3).filter(Boolean).join(':')}::/48`;
}
