import { createPublicKey } from 'node:crypto';
import type { SigningKey } from '../../channels/provider.ts';
import type { DnsLookup } from './dns-lookup.ts';
import { fail, ok, type Verdict, warn } from './finding.ts';
import { readTags } from './tags.ts';

/** Bits of an RSA key: receivers ignore shorter ones (RFC 8301), and should not trust those below the second bound. */
const MIN_KEY_BITS = 1024;
const GOOD_KEY_BITS = 2048;

/**
 * Checks the DKIM keys of a domain (RFC 6376): those that are known to sign, or else that there is any.
 * @param keys at most a few; empty: the provider signs with keys whose names only it knows
 */
export async function checkDkim(domain: string, keys: readonly SigningKey[], dns: DnsLookup): Promise<Verdict> {
  const verdicts = await Promise.all(keys.map((key) => checkKey(domain, key, dns)));
  const [first] = verdicts;
  if (first === undefined) return checkAnyKey(domain, dns);
  return (
    verdicts.find(({ status }) => status === 'fail') ??
    verdicts.find(({ status }) => status === 'warn') ??
    ok(verdicts.map(({ detail }) => detail).join('; '))
  );
}

async function checkKey(
  from: string,
  { selector, domain = from, publicKey }: SigningKey,
  dns: DnsLookup,
): Promise<Verdict> {
  const name = `${selector}._domainkey.${domain}`;
  const records = await dns.txt(name);
  const [record] = records === 'absent' ? [] : records;
  if (record === undefined) {
    const advice = publicKey
      ? `publish a TXT record at ${name}: "v=DKIM1; k=rsa; p=${publicKey.slice(0, 16)}…"`
      : `publish ${name} as your provider shows it`;
    // Without a key of our own, the provider may sign with others.
    return publicKey
      ? fail(`there is no DKIM key at ${name}`, advice)
      : warn(`there is no DKIM key at ${name}`, advice);
  }
  const tags = readTags(record);
  const published = tags.get('p')?.replaceAll(/\s/g, '');
  if (!published)
    return fail(`the DKIM key at ${name} is revoked or empty`, 'publish the key that signs, or sign with another');
  if (publicKey !== undefined && published !== publicKey) {
    return fail(
      `the DKIM key at ${name} is not the one that signs: receivers find every signature wrong`,
      'publish the public key of dkim_private_key, or choose another dkim_selector',
    );
  }
  const bits = (tags.get('k') ?? 'rsa') === 'rsa' ? getBits(published) : GOOD_KEY_BITS;
  if (bits === undefined) return fail(`the DKIM key at ${name} cannot be read`, 'publish it again, in one record');
  if (bits < MIN_KEY_BITS)
    return fail(`the DKIM key at ${name} has ${bits} bits, so receivers ignore it`, 'use 2048 bits');
  if (bits < GOOD_KEY_BITS) return warn(`the DKIM key at ${name} has ${bits} bits`, 'replace it by one of 2048 bits');
  return ok(`the DKIM key at ${name} is in order`);
}

/** Without a key at all, not even the name above the keys exists (RFC 8020). */
async function checkAnyKey(domain: string, dns: DnsLookup): Promise<Verdict> {
  if ((await dns.txt(`_domainkey.${domain}`)) !== 'absent') {
    return ok(`${domain} has DKIM keys; which of them signs, only the provider knows`);
  }
  return warn(
    `${domain} has no DKIM key`,
    `set up DKIM for ${domain} at your provider, and publish the records that it shows`,
  );
}

function getBits(base64: string): number | undefined {
  try {
    const key = createPublicKey({ key: Buffer.from(base64, 'base64'), format: 'der', type: 'spki' });
    return key.asymmetricKeyDetails?.modulusLength;
  } catch {
    return undefined;
  }
}
