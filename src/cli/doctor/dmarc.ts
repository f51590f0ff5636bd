import type { DnsLookup } from './dns-lookup.ts';
import { fail, ok, type Verdict, warn } from './finding.ts';
import { readTags } from './tags.ts';

/** Names that are asked, from the domain upwards. */
const MAX_LEVELS = 8;
const POLICIES = ['none', 'quarantine', 'reject'];

/** Checks the DMARC record of a domain (RFC 7489), or else of the nearest domain above it that has one. */
export async function checkDmarc(domain: string, dns: DnsLookup): Promise<Verdict> {
  const found = await findDmarc(domain, dns);
  if (found === undefined) {
    return warn(
      `${domain} has no DMARC record: Gmail, Yahoo and Outlook demand one from those who send much`,
      `publish a TXT record at _dmarc.${domain}: "v=DMARC1; p=none; rua=mailto:dmarc@${domain}"`,
    );
  }
  const { at, records } = found;
  const [record = ''] = records;
  if (records.length > 1) {
    return fail(`${at} has ${records.length} DMARC records, so none of them counts`, 'leave one of them');
  }
  const tags = readTags(record);
  const policy = (at === domain ? undefined : tags.get('sp')) ?? tags.get('p');
  if (policy === undefined || !POLICIES.includes(policy.toLowerCase())) {
    return fail(`the DMARC record of ${at} has no valid p`, `write p=none, p=quarantine or p=reject`);
  }
  if (!tags.has('rua')) {
    return warn(
      `the DMARC record of ${at} (p=${policy}) asks for no reports`,
      `add rua=mailto:…, to see who sends in the name of ${at}`,
    );
  }
  return ok(`the DMARC policy of ${at} is ${policy}`);
}

async function findDmarc(
  domain: string,
  dns: DnsLookup,
): Promise<{ readonly at: string; readonly records: readonly string[] } | undefined> {
  const labels = domain.split('.');
  // Not at the top level, whose policy is not ours.
  for (let i = 0; i < Math.min(labels.length - 1, MAX_LEVELS); i++) {
    const at = labels.slice(i).join('.');
    const found = await dns.txt(`_dmarc.${at}`);
    const records = found === 'absent' ? [] : found.filter((text) => /^v\s*=\s*DMARC1\s*(?:;|$)/i.test(text));
    if (records.length > 0) return { at, records };
  }
  return undefined;
}
