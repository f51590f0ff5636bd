import type { SigningKey } from '../../channels/provider.ts';
import { formatCount } from '../../lib/text/format-count.ts';
import { parseMailbox } from '../../lib/text/mailbox.ts';
import { checkDkim } from './dkim-key.ts';
import { checkDmarc } from './dmarc.ts';
import { DnsFailure, type DnsLookup } from './dns-lookup.ts';
import { type Finding, runCheck, type Verdict, warn } from './finding.ts';
import { checkSpf } from './spf.ts';

/** Domains that are looked up, at most. */
const MAX_DOMAINS = 10;
/** Names that are for examples and this machine, and have no records. */
const LOCAL = /(?:^|\.)(?:localhost|local|internal|test|invalid|example|example\.(?:com|org|net))$/i;

/** The sender of an account for email, and the keys that are known to sign its messages. */
export interface SenderAccount {
  /** `Name <address>`, or an address. */
  readonly from: string;
  readonly keys: readonly SigningKey[];
}

/** Checks SPF, DKIM and DMARC of the domain of each sender. Nothing is sent. */
export async function checkSenders(senders: readonly SenderAccount[], dns: DnsLookup): Promise<Finding[]> {
  const domains = new Map<string, SigningKey[]>();
  for (const { from, keys } of senders) {
    const domain = parseMailbox(from)?.address.split('@').at(-1)?.toLowerCase();
    if (domain !== undefined) domains.set(domain, [...(domains.get(domain) ?? []), ...keys]);
  }
  const all = [...domains].sort(([a], [b]) => (a < b ? -1 : 1));
  const findings = await Promise.all(all.slice(0, MAX_DOMAINS).map(([domain, keys]) => checkDomain(domain, keys, dns)));
  if (all.length <= MAX_DOMAINS) return findings.flat();
  const left = `${formatCount(all.length - MAX_DOMAINS, 'further sender domain')} not looked up`;
  return [...findings.flat(), { check: 'sender domains', status: 'skip', detail: left }];
}

async function checkDomain(domain: string, keys: readonly SigningKey[], dns: DnsLookup): Promise<Finding[]> {
  if (LOCAL.test(domain) || !domain.includes('.')) {
    const advice = 'set the sender to an address of a domain that you own';
    return [{ check: 'sender domain', ...warn(`${domain} is no domain that receivers accept mail from`, advice) }];
  }
  const checks: readonly [string, () => Promise<Verdict>][] = [
    ['SPF', () => checkSpf(domain, dns)],
    ['DKIM', () => checkDkim(domain, keys, dns)],
    ['DMARC', () => checkDmarc(domain, dns)],
  ];
  return Promise.all(checks.map(([check, work]) => runCheck(check, () => orUnknown(domain, work))));
}

/** A DNS server that does not answer says nothing about the domain. */
async function orUnknown(domain: string, work: () => Promise<Verdict>): Promise<Verdict> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof DnsFailure)) throw error;
    return warn(
      `${domain} could not be looked up: ${error.message}`,
      'try again, or look whether this machine reaches a DNS server',
    );
  }
}
