import { beforeAll, describe, expect, it } from 'vitest';
import { type Catalog, compileEventCheck, type EventProperties, loadExample, parseCatalog } from './support/catalog.ts';

describe('the fintech example', () => {
  let data: Catalog;
  beforeAll(async () => {
    data = await parseCatalog(await loadExample('fintech'));
  });

  it('has the four rules and their limits', () => {
    const defaults = {
      zone: 'UTC',
      after: [],
      ifPast: 'skip',
      ifMissing: 'skip',
      recheck: true,
      cancelOn: [],
      again: 'beside',
      limits: [],
      actions: [],
    };
    expect(data.groups).toEqual([]);
    expect(data.rules).toEqual([
      {
        ...defaults,
        name: 'WELCOME_EMAIL',
        on: ['signup_completed'],
        when: 'traits.marketing_opt_in == true',
        limits: [{ max: 1, period: { kind: 'ever' }, text: 'once' }],
        notify: ['WELCOME_EMAIL'],
      },
      {
        ...defaults,
        name: 'BANK_LINK_NUDGE_SMS',
        on: ['link_bank_success'],
        after: [{ event: 'signup_completed', within: 86_400_000, withinText: '24h' }],
        limits: [{ max: 1, period: { kind: 'ever' }, text: 'once' }],
        notify: ['BANK_LINK_NUDGE_SMS'],
      },
      {
        ...defaults,
        name: 'INSUFFICIENT_FUNDS_EMAIL',
        on: ['payment_failed'],
        when: 'event.failure_reason == "INSUFFICIENT_FUNDS"',
        limits: [{ max: 1, period: { kind: 'day', zone: 'UTC' }, text: '1 per day' }],
        notify: ['INSUFFICIENT_FUNDS_EMAIL'],
      },
      {
        ...defaults,
        name: 'HIGH_RISK_ALERT',
        on: ['payment_failed'],
        when: 'event.attempt_number >= 3',
        notify: ['HIGH_RISK_ALERT'],
      },
    ]);
    expect(data.notifications.map(({ name, channels }) => [name, ...channels])).toEqual([
      ['WELCOME_EMAIL', 'email'],
      ['BANK_LINK_NUDGE_SMS', 'sms'],
      ['INSUFFICIENT_FUNDS_EMAIL', 'email'],
      ['HIGH_RISK_ALERT', 'internal'],
    ]);
    expect(data.templates.map(({ notificationType, parts }) => [notificationType, ...Object.keys(parts)])).toEqual([
      ['BANK_LINK_NUDGE_SMS', 'text'],
      ['HIGH_RISK_ALERT', 'text'],
      ['INSUFFICIENT_FUNDS_EMAIL', 'html', 'subject', 'text'],
      ['WELCOME_EMAIL', 'html', 'subject', 'text'],
    ]);
  });

  it('is plain data, independent of the order of files and of line ends', async () => {
    const windows = new Map(
      [...(await loadExample('fintech'))].map(([file, text]) => [file, text.replace(/\n/g, '\r\n')]),
    );
    const reversed = new Map([...windows].reverse());
    expect(JSON.stringify(await parseCatalog(reversed))).toBe(JSON.stringify(data));
    expect(JSON.parse(JSON.stringify(data))).toEqual(data);
  });

  it('declares every property and trait of the README requests, requires none and allows more', async () => {
    const check = await compileEventCheck(await loadExample('fintech'));
    const types: [string, EventProperties][] = [
      ['signup_completed', { signup_method: 'email', referral_source: 'google_ads', device_type: 'mobile' }],
      ['link_bank_success', { bank_name: 'Santander', verification_method: 'open_banking', account_type: 'checking' }],
      [
        'payment_initiated',
        { amount: 1425, currency: 'EUR', payment_method: 'bank_transfer', recipient_id: 'merch_998' },
      ],
      ['payment_failed', { amount: 1425.5, attempt_number: 2, failure_reason: 'INSUFFICIENT_FUNDS' }],
    ];
    const traits = { email: 'maria@example.com', country: 'PT', marketing_opt_in: true, risk_segment: 'NEW' };
    for (const [type, properties] of types) {
      expect(check(type, properties, traits)).toBeNull();
      expect(check(type, {}, {})).toBeNull();
      expect(check(type, { ...properties, more: [1] }, { ...traits, more: null })).toBeNull();
      for (const [key, value] of Object.entries(properties)) {
        const wrong = typeof value === 'string' ? 7 : String(value);
        expect(check(type, { ...properties, [key]: wrong }, traits)?.path).toBe(`properties.${key}`);
      }
    }
    for (const [key, value] of Object.entries(traits)) {
      const wrong = typeof value === 'string' ? true : String(value);
      expect(check('unknown_type', {}, { ...traits, [key]: wrong })?.path).toBe(`user_traits.${key}`);
    }
  });
});
