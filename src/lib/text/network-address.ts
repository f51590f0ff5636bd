import { isIP } from 'node:net';

/** An IP address. */
export interface NetworkAddress {
  /** Without brackets and a port; IPv4 also if it was written as IPv6 (`::ffff:192.0.2.1`). */
  readonly address: string;
  readonly family: 4 | 6;
}

/**
 * Parses an IP address as `x-forwarded-for` has it: some proxies add the port (`192.0.2.1:4711`, `[2001:db8::1]:443`).
 * @returns undefined for anything else, such as a word
 */
export function parseNetworkAddress(text: string): NetworkAddress | undefined {
  const [, v6, v4] = /^(?:\[([^\]]+)\](?::\d+)?|([\d.]+):\d+)$/.exec(text) ?? [];
  const bare = v6 ?? v4 ?? text;
  const address = /^::ffff:([\d.]+)$/i.exec(bare)?.[1] ?? bare;
  const family = isIP(address);
  return family === 4 || family === 6 ? { address, family } : undefined;
}
