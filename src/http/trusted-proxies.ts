import { BlockList } from 'node:net';
import { parseNetworkAddress } from '../lib/text/network-address.ts';

/**
 * Returns whether an address is one of our proxies, whose `x-forwarded-for` is believed. Proxies may write their port as well.
 * @param proxies addresses and networks (CIDR), which config.ts has checked
 */
export function compileTrustedProxies(proxies: readonly string[]): (address: string) => boolean {
  const trusted = new BlockList();
  for (const proxy of proxies) {
    const [start = '', length] = proxy.split('/');
    const parsed = parseNetworkAddress(start);
    if (length !== undefined) trusted.addSubnet(start, Number(length), start.includes(':') ? 'ipv6' : 'ipv4');
    else if (parsed) trusted.addAddress(parsed.address, `ipv${parsed.family}`);
  }
  return (text) => {
    const parsed = parseNetworkAddress(text);
    return parsed !== undefined && trusted.check(parsed.address.split('%')[0] ?? '', `ipv${parsed.family}`);
  };
}
