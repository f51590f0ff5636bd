import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { DnsFailure } from '../src/cli/doctor/dns-lookup.ts';
import { checkSenders } from '../src/cli/doctor/sender-checks.ts';

/** `tidings doctor`: what the DNS says about the domains of senders. */

type Keys = Parameters<typeof checkSenders>[0][number]['keys'];

const FROM = 'Bank <hello@bank.pt>';
const GOOD = {
  'bank.pt': ['google-site-verification=1', 'v=spf1 include:mail.example.net ~all'],
  'mail.example.net': ['v=spf1 ip4:192.0.2.1 -all'],
  '_domainkey.bank.pt': [],
  '_dmarc.bank.pt': ['v=DMARC1; p=none; rua=mailto:d@bank.pt'],
};

const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const toText = (key: typeof publicKey) => key.export({ type: 'spki', format: 'der' }).toString('base64');
/** Keys of an account whose messages Tidings signs itself. */
const OWN: Keys = [{ domain: 'bank.pt', selector: 't1', publicKey: toText(publicKey) }];

/** Checks a sender with these records; a name without any does not exist. */
async function check(records: { readonly [name: string]: readonly string[] | Error }, keys: Keys = [], from = FROM) {
  const asked: string[] = [];
  const dns = {
    async txt(name: string) {
      asked.push(name);
      const found = records[name] ?? 'absent';
      if (found instanceof Error) throw found;
      return found;
    },
  };
  const findings = await checkSenders([{ from, keys }], dns);
  const find = (name: string) => findings.find((finding) => finding.check === name);
  return { findings, asked, SPF: find('SPF'), DKIM: find('DKIM'), DMARC: find('DMARC') };
}

test('a domain in order has no warning', async () => {
  const { findings } = await check(GOOD);
  expect(findings.map(({ check: name, status }) => [name, status])).toEqual([
    ['SPF', 'ok'],
    ['DKIM', 'ok'],
    ['DMARC', 'ok'],
  ]);
});

test('a domain without records is warned about, with the records to publish', async () => {
  const { SPF, DKIM, DMARC } = await check({});
  expect([SPF, DKIM, DMARC]).toMatchObject([
    { status: 'warn', advice: expect.stringContaining('v=spf1') },
    { status: 'warn', advice: expect.stringContaining('DKIM') },
    { status: 'warn', advice: expect.stringContaining('_dmarc.bank.pt: "v=DMARC1') },
  ]);
});

describe('SPF', () => {
  const spf = async (...records: string[]) => (await check({ ...GOOD, 'bank.pt': records })).SPF;

  test.each([
    ['two records', ['v=spf1 -all', 'v=spf1 ~all'], 'fail', /2 SPF records/],
    ['one that lets every server send', ['v=spf1 a +all'], 'fail', /every server/],
    ['one that excludes no server', ['v=spf1 ip4:192.0.2.1 ?all'], 'warn', /does not say/],
    ['an include without a record', ['v=spf1 include:gone.example.net -all'], 'fail', /gone\.example\.net/],
    ['one that lets no server send', ['v=spf1 -all'], 'warn', /lets no server send/],
    ['a redirect', ['v=spf1 redirect=mail.example.net'], 'ok', /1 of 10/],
    ['only another version', ['v=spf10 -all'], 'warn', /no SPF record/],
  ])('%s', async (_, records, status, detail) => {
    expect(await spf(...records)).toMatchObject({ status, detail: expect.stringMatching(detail) });
  });

  test('more than ten look-ups, and a record that includes itself, end', async () => {
    const many = Array.from({ length: 11 }, (_, i) => `a:m${i}.bank.pt`).join(' ');
    expect(await spf(`v=spf1 ${many} -all`)).toMatchObject({
      status: 'fail',
      detail: expect.stringContaining('10 look-ups'),
    });
    const { SPF, asked } = await check({ ...GOOD, 'bank.pt': ['v=spf1 include:bank.pt -all'] });
    expect(SPF).toMatchObject({ status: 'fail', detail: expect.stringContaining('10 look-ups') });
    expect(asked.length).toBeLessThan(20);
  });
});

describe('DKIM', () => {
  const dkim = async (record: string | undefined, keys = OWN) =>
    (await check({ ...GOOD, ...(record === undefined ? {} : { 't1._domainkey.bank.pt': [record] }) }, keys)).DKIM;

  test('the published key is the one that signs', async () => {
    expect(await dkim(`v=DKIM1; k=rsa; p=${toText(publicKey)}`)).toMatchObject({ status: 'ok' });
  });

  test('another key, a revoked one or none fails: every signature would be wrong', async () => {
    const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey;
    expect(await dkim(`v=DKIM1; p=${toText(other)}`)).toMatchObject({
      status: 'fail',
      detail: expect.stringContaining('not the one that signs'),
    });
    expect(await dkim('v=DKIM1; p=')).toMatchObject({ status: 'fail', detail: expect.stringContaining('revoked') });
    expect(await dkim(undefined)).toMatchObject({
      status: 'fail',
      advice: expect.stringContaining('t1._domainkey.bank.pt'),
    });
  });

  test('the keys of a provider are looked up by the names that it gives; short ones are reported', async () => {
    const short = toText(generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey);
    expect(await dkim(`k=rsa; p=${short}`, [{ selector: 't1' }])).toMatchObject({
      status: 'warn',
      detail: expect.stringContaining('1024 bits'),
    });
    expect(await dkim(undefined, [{ selector: 't1' }])).toMatchObject({ status: 'warn' });
    expect(await dkim('p=bm8ga2V5', [{ selector: 't1' }])).toMatchObject({ status: 'fail' });
  });
});

describe('DMARC', () => {
  test.each([
    ['two records', { '_dmarc.bank.pt': ['v=DMARC1; p=none', 'v=DMARC1; p=reject'] }, 'fail', /2 DMARC/],
    ['no policy', { '_dmarc.bank.pt': ['v=DMARC1; rua=mailto:a@b.c'] }, 'fail', /no valid p/],
    ['no reports', { '_dmarc.bank.pt': ['v=DMARC1; p=reject'] }, 'warn', /no reports/],
  ])('%s', async (_, records, status, detail) => {
    expect((await check({ ...GOOD, ...records })).DMARC).toMatchObject({
      status,
      detail: expect.stringMatching(detail),
    });
  });

  test('a subdomain has the policy of the domain above it', async () => {
    const above = { '_dmarc.bank.pt': ['v=DMARC1; p=reject; sp=quarantine; rua=mailto:d@bank.pt'] };
    const { DMARC, asked } = await check(above, [], 'news@mail.bank.pt');
    expect(DMARC).toMatchObject({ status: 'ok', detail: 'the DMARC policy of bank.pt is quarantine' });
    expect(asked).not.toContain('_dmarc.pt');
  });
});

test('a DNS server that does not answer is a warning about the machine, not about the domain', async () => {
  const { findings } = await check({ 'bank.pt': new DnsFailure('the DNS did not answer for bank.pt (ETIMEOUT)') });
  expect(findings[0]).toMatchObject({ check: 'SPF', status: 'warn', advice: expect.stringContaining('DNS server') });
});

test('a sender of an example or of this machine is not looked up, and many domains are bounded', async () => {
  const { findings, asked } = await check({}, [], 'Tidings <tidings@localhost>');
  expect([findings.length, findings[0]?.status, asked]).toEqual([1, 'warn', []]);
  const senders = Array.from({ length: 30 }, (_, i) => ({ from: `a@d${i}.pt`, keys: [] }));
  const all = await checkSenders(senders, { txt: async () => 'absent' });
  expect(all.length).toBe(31);
  expect(all.at(-1)).toMatchObject({ status: 'skip', detail: '20 further sender domains not looked up' });
});
