import { parseNetworkAddress } from '../lib/text/network-address.ts';

/**
 * Returns the network for which the requests of an address are counted: an IPv4 address itself, and the /64 of an IPv6
 * address, which one customer has whole. Returns `unknown` for what is no address, such as a word in `x-forwarded-for`.
 */
export function toClientNetwork(address: string): string {
  const parsed = parseNetworkAddress(address);
  if (!parsed) return 'unknown';
  return parsed.family === 4 ? parsed.address : `${expand(parsed.address).slice(0, 4).join(':')}::/64`;
}

/** Returns the eight groups of an IPv6 address. */
function expand(address: string): string[] {
  const compressed = new URL(`http://[${address.split('%')[0]}]`).hostname.slice(1, -1);
  const [head = '', tail] = compressed.split('::');
  const first = head === '' ? [] : head.split(':');
  const last = tail ? tail.split(':') : [];
  return [...first, ...Array.from({ length: 8 - first.length - last.length }, () => '0'), ...last];
}
