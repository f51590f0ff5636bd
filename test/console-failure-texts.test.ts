import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { listFailureWords, readFailureTexts } from '../packages/console/failure-texts.ts';
import { ADVICE_PAGES, buildFailureWords } from '../packages/console/src/dead-letters/advice.ts';
import { LANGUAGES } from '../packages/console/texts.ts';
import { explainGroup } from '../src/channels/advice.ts';
import { listProviderNames, loadProvider } from '../src/channels/registry.ts';
import { DELIVERY_REASON_CODES, FAULTS } from '../src/model/delivery.ts';
import { listReasonSentences } from './support/reason-sentences.ts';

/** Texts of the console for what the API says of failed deliveries. */

/** Reasons without a text of their own. */
const OTHERS = [
  // They say in words of a template, or of who sent the content, what is wrong with it.
  /^the template failed: /,
  /^the content of the request /,
  // Their messages are queued or dropped, and no dead letters.
  /^Not sent( again)?: when it was due, /,
  /It is sent again, as its notification type allows\.$/,
  // Their values are words, which have texts.
  /^500 cannot be opened with the current key$/,
  /^Retries exhausted after 500 500\. /,
];

const COMMAND = /`tidings|`--|`POST /;

describe.each(LANGUAGES)('the texts of failures in the language %s', (language) => {
  const texts = readFailureTexts(language);
  const { toReason, toAdvice } = buildFailureWords(texts);

  test('have each meaning and advice of all tables of codes', async () => {
    expect((await listFailureWords()).filter((words) => !texts[words])).toEqual([]);
  });

  test('have each reason that the source gives', () => {
    const all = listReasonSentences();
    expect(all.length).toBeGreaterThan(300);
    const missing = all.filter(({ words }) => toReason(words) === undefined && !OTHERS.some((one) => one.test(words)));
    expect(missing).toEqual([]);
    expect(toReason('the phone address cannot be opened with the current key')).toBeDefined();
    const restored = 'Restored from a dump of 2025-11-20 12:00:00 UTC: the message may have been sent since.';
    expect(toReason(`${restored} Retry it by hand.`)).toContain('2025-11-20 12:00:00');
  });

  test('have no words that the API does not say', async () => {
    const tables = new Set(await listFailureWords());
    const root = join(import.meta.dirname, '../src');
    const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.ts'));
    const said = listReasonSentences().map(({ words }) => words);
    const source = [...files.map((path) => readFileSync(join(root, path), 'utf8')), ...said].join('\n');
    const others = Object.keys(texts).filter((words) => !tables.has(words));
    // The source puts sentences together.
    const parts = others.flatMap((words) =>
      words.split(/\{\w+\}|\. |\.$|: |(?:1 )?attempts?\b|email|phone|address|number/),
    );
    expect(parts.map((part) => part.trim()).filter((part) => /\w{3}/.test(part) && !source.includes(part))).toEqual([]);
  });

  test('keep the values, and name no command', () => {
    const names = (words: string) => [...words.matchAll(/\{(?!user_id)\w+\}/g)].map(([name]) => name).sort();
    const entries = Object.entries(texts);
    expect(entries.filter(([words, text]) => names(words).join() !== names(text).join())).toEqual([]);
    expect(entries.filter(([, text]) => COMMAND.test(text))).toEqual([]);
  });

  test('are all that the advice on a group can be, with the advice on a message in doubt before it', async () => {
    const definitions = await Promise.all(listProviderNames().map(loadProvider));
    const unknown = definitions.flatMap((definition) =>
      [undefined, ...definition!.codes.map(({ code }) => code), 'no_account', 'account_paused'].flatMap(
        (code = null!) =>
          FAULTS.flatMap((fault) =>
            [...DELIVERY_REASON_CODES, 'in_doubt'].flatMap((reasonCode) =>
              [null, 'main'].flatMap((account) => {
                const group = { fault, channel: 'email', provider: 'any', account, reasonCode, code } as const;
                const { meaning, advice } = explainGroup(group, definition);
                const isKnown = toAdvice(advice).isKnown && (meaning === null || toReason(meaning) !== undefined);
                return isKnown ? [] : [`${meaning}: ${advice}`];
              }),
            ),
          ),
      ),
    );
    expect([...new Set(unknown)]).toEqual([]);
  });
});

test('the same words have texts in each language, and English ones have a text if they name a command', () => {
  const [first, ...others] = LANGUAGES.map((language) => Object.keys(readFailureTexts(language)));
  for (const words of others) expect(words).toEqual(first);
  const english = readFailureTexts('en');
  expect(Object.keys(english)).toEqual(first?.filter((words) => COMMAND.test(words)));
  expect(Object.values(english).filter((text) => COMMAND.test(text))).toEqual([]);
});

test('advice that has a page is advice of the API', async () => {
  const known = await listFailureWords();
  expect(Object.keys(ADVICE_PAGES).filter((words) => !known.includes(words))).toEqual([]);
});

test('reasons with values are read with the reason in them, and stay English where that has no text', () => {
  const { toReason } = buildFailureWords(readFailureTexts('de'));
  expect(
    toReason('Retries exhausted after 3 attempts. The last one failed: the API of SendGrid is not available'),
  ).toBe('Nach 3 Versuchen aufgegeben. Der letzte schlug fehl: die API von SendGrid ist nicht verfügbar');
  expect(
    toReason(
      'The message may have been sent (the mail server cannot be reached (ECONNREFUSED); the mail server may have accepted the message). It is held, as its notification type requires. Retry it by hand.',
    ),
  ).toBe(
    'Die Nachricht wurde vielleicht gesendet (der Mailserver ist nicht erreichbar (ECONNREFUSED); der Mailserver hat die Nachricht vielleicht angenommen). Sie ist angehalten, wie es ihr Benachrichtigungstyp verlangt. Wiederholen Sie sie von Hand.',
  );
  expect(toReason('Rejected: the provider rejected the message (status 418)')).toBe(
    'Abgelehnt: der Anbieter hat die Nachricht abgelehnt (Status 418)',
  );
  expect(toReason('Rejected: the template failed: no such variable')).toBeUndefined();
  expect(toReason('12 of 1000 emails (1.20%) bounced')).toMatch(/^12 von 1000 E.Mails \(1\.20%\) unzustellbar$/);
});

test('a reason within reasons is read in bounded time, however many there are', () => {
  const { toReason } = buildFailureWords(readFailureTexts('de'));
  const exec = vi.spyOn(RegExp.prototype, 'exec');
  try {
    const countMatches = (depth: number) => {
      exec.mockClear();
      expect(toReason(`${'Rejected: '.repeat(depth)}x${' (A)'.repeat(depth)}`)).toBeUndefined();
      return exec.mock.calls.length;
    };
    expect(countMatches(1000)).toBe(countMatches(6));
    expect(countMatches(6)).toBeLessThan(5000);
  } finally {
    exec.mockRestore();
  }
});

test('advice with a part that has no text keeps that part, and says so', () => {
  const { toAdvice } = buildFailureWords(readFailureTexts('de'));
  const doubt = 'The message may have been sent. A retry replaces it where it arrived.';
  expect(toAdvice(`${doubt} Do something new.`)).toEqual({
    text: 'Die Nachricht wurde vielleicht gesendet. Eine Wiederholung ersetzt sie dort, wo sie ankam. Do something new.',
    isKnown: false,
    pages: [],
  });
  const account = 'Correct the account, check it with `tidings providers check`, then retry.';
  expect(toAdvice(`${doubt} ${account}`)).toMatchObject({ isKnown: true, pages: ['accounts'] });
  expect(buildFailureWords(readFailureTexts('en')).toAdvice(`${doubt} ${account}`).text).toBe(
    `${doubt} Correct the account, check it, then retry.`,
  );
});
