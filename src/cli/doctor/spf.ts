import type { DnsLookup } from './dns-lookup.ts';
import { fail, ok, type Verdict, warn } from './finding.ts';

/** Look-ups that evaluating a record may cost; with more, receivers ignore the record (RFC 7208, 4.6.4). */
const MAX_LOOKUPS = 10;
/** Terms that cost a look-up. */
const COSTLY = /^[-+~?]?(?:include:|a(?:[:/]|$)|mx(?:[:/]|$)|ptr(?::|$)|exists:)|^redirect=/i;

/** Checks the SPF record of a domain (RFC 7208): that there is one, that receivers can evaluate it, and that it excludes other senders. */
export async function checkSpf(domain: string, dns: DnsLookup): Promise<Verdict> {
  const records = await findSpf(domain, dns);
  const [record] = records;
  if (record === undefined) {
    return warn(
      `${domain} has no SPF record`,
      `publish a TXT record at ${domain}: "v=spf1 include:… ~all", with the include that your provider names`,
    );
  }
  if (records.length > 1) {
    return fail(`${domain} has ${records.length} SPF records, so none of them counts`, 'merge them into one');
  }
  const terms = record.split(/\s+/).slice(1);
  if (terms.some((term) => /^\+?all$/i.test(term))) {
    return fail(`the SPF record of ${domain} lets every server send (+all)`, 'end it with ~all or -all');
  }
  const count = { lookups: 0, missing: undefined as string | undefined };
  await countLookups(record, dns, count);
  if (count.lookups > MAX_LOOKUPS) {
    return fail(
      `the SPF record of ${domain} needs more than ${MAX_LOOKUPS} look-ups, so receivers ignore it`,
      'remove the includes of providers that you no longer use',
    );
  }
  if (count.missing !== undefined) {
    return fail(
      `the SPF record of ${domain} includes ${count.missing}, which has no SPF record`,
      'correct or remove that include: receivers ignore the whole record',
    );
  }
  if (terms.length > 0 && terms.every((term) => /^[-~]all$/i.test(term))) {
    return warn(
      `the SPF record of ${domain} lets no server send`,
      'add the include that your provider names, before -all',
    );
  }
  const ends = terms.some((term) => /^[-~]all$/i.test(term)) || terms.some((term) => /^redirect=/i.test(term));
  if (!ends) return warn(`the SPF record of ${domain} does not say what is not allowed`, 'end it with ~all or -all');
  return ok(`${domain} has an SPF record (${count.lookups} of ${MAX_LOOKUPS} look-ups)`);
}

/** Counts the look-ups of a record and of those that it includes, until there are too many. */
async function countLookups(
  record: string,
  dns: DnsLookup,
  count: { lookups: number; missing: string | undefined },
): Promise<void> {
  for (const term of record.split(/\s+/).slice(1)) {
    if (!COSTLY.test(term)) continue;
    if (++count.lookups > MAX_LOOKUPS) return;
    const [, name] = /^(?:[-+~?]?include:|redirect=)(.+)$/i.exec(term) ?? [];
    // A macro depends on the message.
    if (name === undefined || name.includes('%')) continue;
    const [included] = await findSpf(name, dns);
    if (included === undefined) count.missing ??= name;
    else await countLookups(included, dns, count);
    if (count.lookups > MAX_LOOKUPS) return;
  }
}

async function findSpf(name: string, dns: DnsLookup): Promise<readonly string[]> {
  const records = await dns.txt(name);
  return records === 'absent' ? [] : records.filter((text) => /^v=spf1(?:\s|$)/i.test(text));
}
