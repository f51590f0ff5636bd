import { expect, test } from 'vitest';
import { GuardedClient } from '../src/http-out/guarded-client.ts';
import { isPublicAddress } from '../src/http-out/public-address.ts';

/** Addresses that a URL of a tenant never leads to. */

const NOT_PUBLIC = [
  ['the wire server of Azure', '168.63.129.16'],
  ['the wire server of Azure, mapped', '::ffff:168.63.129.16'],
  ['the wire server of Azure, translated', '64:ff9b::a83f:8110'],
  ['metadata of AWS, Azure, Google', '169.254.169.254'],
  ['metadata of AWS by IPv6', 'fd00:ec2::254'],
  ['metadata of Alibaba', '100.100.100.200'],
  ['metadata of Oracle', '192.0.0.192'],
  ['this machine', '127.0.0.1'],
  ['this machine by IPv6', '::1'],
  ['a private network', '10.0.0.1'],
] as const;

test.each(NOT_PUBLIC)('%s is not a public address', (_what, address) => {
  expect(isPublicAddress(address)).toBe(false);
});

test.each(['168.63.129.15', '168.63.129.17', '8.8.8.8', '2606:4700::1111'])('%s is a public address', (address) => {
  expect(isPublicAddress(address)).toBe(true);
});

test('the client sends nothing to such an address, in whatever spelling', async () => {
  const client = new GuardedClient();
  const hosts = ['168.63.129.16', '0xa83f8110', '2822734096', '168.63.33040', '[::ffff:168.63.129.16]'];
  for (const host of hosts) {
    const sent = client.send(`https://${host}/machine?comp=goalstate`, { maxBytes: 100, maxMillis: 1000 });
    await expect(sent, host).rejects.toThrow('leads to a private address');
  }
  await client.close();
});
