import { afterEach, describe, expect, test } from 'vitest';
import { readMail } from './support/mailsink.ts';
import { type WholeTidings, wholeTidings } from './support/whole-tidings.ts';

/** Rules, keys and templates see what was posted, whatever looks like an address; views are masked. */

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

let whole: WholeTidings;
afterEach(() => whole.close());

async function start(...given: Parameters<typeof wholeTidings>): Promise<void> {
  whole = await wholeTidings(...given);
}

const outcomes = (decisions: readonly { rule: string; outcome: string }[]) =>
  decisions.map(({ rule, outcome }) => `${rule} ${outcome}`).sort();

describe('a key', () => {
  test('of two addresses with one mask is two keys, for limits, waits and cancels', async () => {
    await start(`
  INVITE: { on: began, key: event.invitee, limit: once }
  REMIND: { on: began, key: event.invitee, delay: 2d, cancel_on: ended }
`);
    await whole.post('began', { invitee: 'maria@example.com' });
    await whole.post('began', { invitee: 'mark@example.com' });
    const repeated = await whole.post('began', { invitee: 'mark@example.com', again: true });
    expect(repeated.find(({ rule }) => rule === 'INVITE')?.reason_code).toBe('limit_reached');
    await whole.post('ended', { invitee: 'mark@example.com' });
    await whole.pass(3 * DAY);
    expect(await whole.messages('INVITE')).toHaveLength(2);
    expect(await whole.messages('REMIND')).toHaveLength(1);

    const { body } = await whole.get('/api/v1/waits?user_id=u1');
    const keys = new Set(body.waits.map(({ key }: { key: string }) => key));
    expect(keys.size).toBe(2);
    for (const key of keys) expect(key).toMatch(/^m…@example\.com #[\w-]{16}$/);
    expect(await whole.search(/maria@|mark@/)).toEqual([]);
    expect(await whole.reproduce()).toMatchObject({ different: 0 });
  });

  test.each<[string, string, object, object]>([
    ['a telephone number with its plus', 'event.call', { call: '+351912345678' }, { call: '+351919999978' }],
    ['a telephone number by the name of its field', 'event.phone', { phone: '912345678' }, { phone: '912999978' }],
    ['a number by the name of its field', 'event.mobile', { mobile: 912345678 }, { mobile: 912999978 }],
    ['in an object', 'event.who', { who: { mail: 'maria@example.com' } }, { who: { mail: 'mark@example.com' } }],
    ['in a list', 'event.who', { who: ['maria@example.com'] }, { who: ['mark@example.com'] }],
    ['in a longer text', 'event.who + "/x"', { who: 'maria@example.com' }, { who: 'mark@example.com' }],
    [
      'beyond the length of a readable key',
      'event.who',
      { who: `${'x'.repeat(200)} maria@example.com` },
      { who: `${'x'.repeat(200)} mark@example.com` },
    ],
    ['with a line break', 'event.who', { who: 'maria@example.com\n' }, { who: 'mark@example.com\n' }],
  ])('keeps two addresses apart and shows neither: %s', async (_what, key, one, other) => {
    await start(`\n  N: { on: began, key: '${key}', limit: once }\n`);
    await whole.post('began', one);
    expect(outcomes(await whole.post('began', other))).toEqual(['N send']);
    expect(outcomes(await whole.post('began', { ...one, n: 2 }))).toEqual(['N suppressed']);
    expect(await whole.search(/maria@|mark@|9123456|9129999|9199999/)).toEqual([]);
  });

  test('of an event and a pattern is compared as posted', async () => {
    await start(`
  N: { on: ended, after: { event: began, within: 1d, same: event.who } }
  C: { on: came, count: { at_least: 2, within: 1d, same: event.who } }
`);
    await whole.post('began', { who: 'maria@example.com' });
    expect(outcomes(await whole.post('ended', { who: 'mark@example.com' }))).toEqual(['N not_matched']);
    expect(outcomes(await whole.post('ended', { who: 'maria@example.com' }))).toEqual(['N send']);
    await whole.post('came', { who: 'maria@example.com' });
    expect(outcomes(await whole.post('came', { who: 'mark@example.com' }))).toEqual(['C not_matched']);
    expect(outcomes(await whole.post('came', { who: 'maria@example.com', n: 2 }))).toEqual(['C send']);
    expect(await whole.reproduce()).toMatchObject({ different: 0 });
  });
});

describe('a condition', () => {
  test.each<[string, object, object]>([
    ['event.pkg == "lodash@4.17.21"', { pkg: 'lodash@4.17.21' }, {}],
    ['event.url.startsWith("https://")', { url: 'https://medium.com/@jane.doe/story-1' }, {}],
    ['event.who == "maria@example.com"', { who: 'maria@example.com' }, {}],
    ['event.who.contains("maria")', { who: 'maria@example.com' }, {}],
    [
      'event.deep.list.exists(x, x.mail == "maria@example.com")',
      { deep: { list: [{ mail: 'maria@example.com' }] } },
      {},
    ],
    ['"maria@example.com" in event.by', { by: { 'maria@example.com': 1 } }, {}],
    ['event.by["maria@example.com"] == 1', { by: { 'maria@example.com': 1 } }, {}],
    ['event.phone == 912345678', { phone: 912345678 }, {}],
    ['size(event.call) == 13', { call: '+351912345678' }, {}],
    ['traits.email == "maria@example.com"', {}, { email: 'maria@example.com' }],
    ['traits["phone"] == "+351912345678"', {}, { phone: '+351912345678' }],
    ['traits.exists(name, name == "email" && traits[name] == "maria@example.com")', {}, { email: 'maria@example.com' }],
    ['user.email == "maria@example.com"', {}, { email: 'maria@example.com' }],
    ['user.phone_number == "351912345678"', {}, { phone_number: 351912345678 }],
    ['user.contact.work.endsWith("ia@example.com")', {}, { contact: { work: 'maria@example.com' } }],
    ['user.site == "https://medium.com/@jane.doe"', {}, { site: 'https://medium.com/@jane.doe' }],
  ])('%s holds', async (when, properties, traits) => {
    await start(
      `\n  A: { on: began, when: '${when}' }\n  B: { on: ended, when: '${when.replace(/^traits/, 'user')}' }\n`,
    );
    const [decision] = await whole.post('began', properties, traits);
    expect(decision).toMatchObject({ outcome: 'send' });
    // Evidence is masked. (The expression is the catalog's.)
    const shown = Object.values(decision?.evidence.condition.values);
    expect(JSON.stringify(shown)).not.toMatch(/maria@|912345678|medium\.com/);
    // The user is as the event said, also when it is loaded.
    if (Object.keys(traits).length > 0 && !when.includes('event.')) {
      if (!when.startsWith('traits.exists')) expect(outcomes(await whole.post('ended'))).toEqual(['B send']);
    }
    expect(await whole.reproduce()).toMatchObject({ different: 0 });
  });

  test('of a rule whose event is loaded again, because a late event completes its pattern', async () => {
    await start(`
  N: { on: ended, after: { event: began, within: 1d }, when: 'event.pkg == "lodash@4.17.21"' }
`);
    const { now } = whole.tidings.clock;
    await whole.post('ended', { pkg: 'lodash@4.17.21' });
    const late = { event_timestamp: new Date(now - HOUR).toISOString() };
    expect(outcomes(await whole.post('began', {}, {}, late))).toEqual(['N send']);
    expect(await whole.reproduce()).toMatchObject({ different: 0 });
  });

  test('that fails shows nothing of an address in its message', async () => {
    await start(
      `\n  N: { on: began, when: 'event.phone > 5 && event.who * 2 > 1' }\n  M: { on: began, when: 'event.who > 5' }\n`,
    );
    const decisions = await whole.post('began', { phone: '9123456', who: 'maria@example.com' });
    expect(decisions.map(({ reason_code }) => reason_code)).toEqual(['condition_error', 'condition_error']);
    expect(JSON.stringify(decisions)).not.toMatch(/9123456|mari/);
  });
});

describe('a change of an address', () => {
  test('triggers a rule though both have one mask', async () => {
    await start('\n  N: { on: { trait: email } }\n');
    expect(outcomes(await whole.post('began', {}, { email: 'maria@example.com' }))).toEqual(['N send']);
    expect(outcomes(await whole.post('began', { n: 2 }, { email: 'maria@example.com' }))).toEqual([]);
    expect(outcomes(await whole.post('began', {}, { email: 'mark@example.com' }))).toEqual(['N send']);
    expect(await whole.reproduce()).toMatchObject({ different: 0 });
  });
});

describe('a message', () => {
  const LINK = 'https://medium.com/@jane.doe/story-1';
  const MAP = 'https://www.google.com/maps/@52.5200,13.4050,15z';

  test('has links, versions and addresses as they were posted; where it is shown, addresses are masked', async () => {
    await start('\n  MAIL: { on: began }\n', {
      'MAIL/email.en.subject.txt': 'New story of {{event.author}}',
      'MAIL/email.en.html':
        '<p><a href="{{event.url}}">Read</a> {{event.version}} {{event.by}} {{user.email}} {{traits.email}}</p>',
      'MAIL/email.en.txt': '{{{event.url}}} {{event.map}}',
    });
    const event = { url: LINK, map: MAP, version: 'lodash@4.17.21', author: 'maria@example.com', by: '+351912345678' };
    await whole.post('began', event, { email: 'a.user@example.com' });
    await whole.pass(0);
    const mail = await readMail(whole.sink.mails[0]);
    expect(mail.subject).toBe('New story of maria@example.com');
    expect(mail.html).toContain(`<a href="${LINK}">Read</a> lodash@4.17.21 +351912345678`);
    expect(mail.html).toContain('a.user@example.com a.user@example.com');
    expect(mail.text).toContain(`${LINK} ${MAP}`);

    const [shown] = await whole.messages('MAIL');
    expect(shown).toMatchObject({ to: 'a…@example.com', subject: 'New story of m…@example.com' });
    expect(shown?.html).toContain(`<a href="${LINK}">Read</a> lodash@4.17.21 +351…78 a…@example.com a…@example.com`);
    expect(shown?.text).toContain(`${LINK} ${MAP}`);
    expect(await whole.search(/maria@|a\.user@|912345678|New story/)).toEqual([]);
    expect(whole.log.join('')).not.toMatch(/maria@|a\.user@|912345678|New story/);
  });

  test('of a rule that waits has the values of its trigger, its digest items and its pattern', async () => {
    await start(
      `
  MAIL_LATER: { on: began, delay: 1h }
  MAIL_DIGEST: { on: came, digest: { window: 1h } }
  MAIL_PATTERN: { on: ended, after: { event: began, within: 1d }, data: { first: matched.began.url } }
`,
      {
        'MAIL_LATER/email.en.txt': '{{{event.url}}} {{event.by}}',
        'MAIL_DIGEST/email.en.txt': '{{#each items}}[{{event.by}}]{{/each}}',
        'MAIL_PATTERN/email.en.txt': '{{{matched.began.url}}} {{{data.first}}}',
      },
    );
    await whole.post('began', { url: LINK, by: 'maria@example.com' }, { email: 'a.user@example.com' });
    await whole.post('came', { by: 'maria@example.com' });
    await whole.post('came', { by: 'mark@example.com' });
    await whole.post('ended');
    expect(await whole.search(/maria@|mark@|medium\.com/)).toEqual([]);
    await whole.pass(2 * DAY);
    const texts = await Promise.all(whole.sink.mails.map(async (mail) => (await readMail(mail)).text?.trim()));
    expect(texts.sort()).toEqual(
      [`${LINK} ${LINK}`, `${LINK} maria@example.com`, '[maria@example.com][mark@example.com]'].sort(),
    );
    expect(await whole.search(/maria@|mark@/)).toEqual([]);
    expect(await whole.reproduce()).toMatchObject({ different: 0 });
  });

  test('of a rule on an emitted event has what was posted first', async () => {
    await start(
      `
  EMIT: { on: began, do: [{ emit: made, with: { to: event.by } }, { set: { friend: event.by } }] }
  MAIL: { on: made, when: 'event.to.startsWith("maria")' }
  F: { on: { trait: friend }, when: 'user.friend.size() == 17' }
`,
      { 'MAIL/email.en.txt': '{{event.to}} {{user.friend}}' },
    );
    await whole.post('began', { by: 'maria@example.com' }, { email: 'a.user@example.com' });
    await whole.pass(0);
    expect((await readMail(whole.sink.mails[0])).text?.trim()).toMatch(/^maria@example\.com/);
    expect(await whole.messages('F')).toHaveLength(1);
    expect(await whole.search(/maria@/)).toEqual([]);
    expect(await whole.reproduce()).toMatchObject({ different: 0 });
  });

  test('may show another address of the user than the one it is sent to', async () => {
    await start('\n  MAIL: { on: began }\n', {
      'MAIL/email.en.txt': '{{user.phone}} {{#with user}}{{email}}{{/with}}',
    });
    await whole.post('began', {}, { email: 'a.user@example.com', phone: '+351912345678' });
    await whole.pass(0);
    expect((await readMail(whole.sink.mails[0])).text?.trim()).toBe('+351912345678 a.user@example.com');
  });
});
