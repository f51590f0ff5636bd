import { Resolver } from 'node:dns/promises';
import ipaddr from 'ipaddr.js';

/** Time in ms for one try of a name server; each name has two. */
const MAX_LOOKUP_MS = 1500;

/** Addresses of a name that are tried, at most. */
const MAX_ADDRESSES = 8;

/** Addresses in public ranges that are part of the machine's own cloud: the wire server of Azure, which hands out its secrets. */
const CLOUD_ADDRESSES: ReadonlySet<string> = new Set(['168.63.129.16']);

/**
 * Returns whether an address is one of the public internet: not of this machine, its networks, its cloud's metadata service, and
 * not one in which another address is embedded (mapped, translated, tunneled).
 */
export function isPublicAddress(text: string): boolean {
  if (!ipaddr.isValid(text)) return false;
  const address = ipaddr.parse(text);
  if (address.range() !== 'unicast' || CLOUD_ADDRESSES.has(address.toString())) return false;
  // Global unicast. What is outside, such as the deprecated site-local addresses, is not of the internet.
  return address.kind() === 'ipv4' || (address as ipaddr.IPv6).match(ipaddr.IPv6.parse('2000::'), 3);
}

/** Code of the error for a name with an address that is not public. */
export const PRIVATE_ADDRESS = 'EPRIVATE';

/**
 * Returns the addresses of a name, IPv4 first. It asks name servers by its own client, not by the thread pool of Node: a server
 * that is slow holds up no other look-up, and no file. Names of the hosts file are not known to it.
 * @throws Error if the name has no address, or one of them is not public
 */
export async function resolvePublicAddresses(name: string): Promise<{ address: string; family: 4 | 6 }[]> {
  const resolver = new Resolver({ timeout: MAX_LOOKUP_MS, tries: 2 });
  const [v4, v6] = await Promise.all([
    resolver.resolve4(name).catch(() => []),
    resolver.resolve6(name).catch(() => []),
  ]);
  const found = [
    ...v4.map((address) => ({ address, family: 4 as const })),
    ...v6.map((address) => ({ address, family: 6 as const })),
  ];
  if (found.length === 0) throw toError('the name has no address', 'ENOTFOUND');
  // One private address among public ones is no accident: nothing is sent to such a name.
  if (!found.every(({ address }) => isPublicAddress(address))) {
    throw toError('the name leads to a private address', PRIVATE_ADDRESS);
  }
  return found.slice(0, MAX_ADDRESSES);
}

function toError(message: string, code: string): Error {
  return Object.assign(new Error(message), { code });
}
