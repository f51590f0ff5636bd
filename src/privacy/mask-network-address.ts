import { isIPv6 } from 'node:net';

/** Returns the network of an address, to be shown: `203.0.113.0/24`, or `2001:db8:1::/48`. */
export function maskNetworkAddress(address: string): string {
  const v4 = /^(?:::ffff:)?(\d+\.\d+\.\d+)\.\d+$/i.exec(address);
  if (v4) return `${v4[1]}.0/24`;
  if (!isIPv6(address)) return 'unknown';
  const groups = new URL(`http://[${address.split('%')[0]}]`).hostname.slice(1, -1).split('::')[0]?.split(':') ?? [];
  return `${groups.slice(0, 3).filter(Boolean).join(':')}::/48`;
}
