import { isIP, isIPv6 } from 'node:net';

/**
 * Returns the network for which the requests of an address are counted: an IPv4 address itself, and the /64 of an IPv6
 * address, which one customer has whole. Returns `unknown` for what is no address, such as a word in `x-forwarded-for`.
 */
export function toClientNetwork(address: string): string {
  const bare = address.startsWith('::ffff:') && isIP(address.slice(7)) === 4 ? address.slice(7) : address;
  const kind = isIP(bare);
  if (kind === 4) return bare;
  if (kind === 6) return `${expand(bare).slice(0, 4).join(':')}::/64`;
  // As some proxies write it: with a port.
  const [, v6, v4] = /^(?:\[([^\]]+)\]|([\d.]+))(?::\d+)?$/.exec(address) ?? [];
  const inner = v6 ?? v4;
  return inner !== undefined && (v4 !== undefined ? isIP(v4) === 4 : isIPv6(inner))
    ? toClientNetwork(inner)
    : 'unknown';
}

/** Returns the eight groups of an IPv6 address. */
function expand(address: string): string[] {
  const compressed = new URL(`http://[${address.split('%')[0]}]`).hostname.slice(1, -1);
  const [head = '', tail] = compressed.split('::');
  const first = head === '' ? [] : head.split(':');
  const last = tail ? tail.split(':') : [];
  return [...first, ...Array.from({ length: 8 - first.length - last.length }, () => '0'), ...last];
}
