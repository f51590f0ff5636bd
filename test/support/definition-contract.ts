import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { ProviderCode } from '../../src/channels/codes.ts';
import type { Outgoing, Provider, ProviderDefinition } from '../../src/channels/provider.ts';
import { loadProvider } from '../../src/channels/registry.ts';
import { listSecrets } from '../../src/channels/secret-setting.ts';
import { GuardedClient } from '../../src/http-out/guarded-client.ts';
import type { Message, SendOutcome, Target } from '../../src/model/delivery.ts';
import { expectOutcome, never, outgoing, testProvider } from './channel-contract.ts';
import { type SeenRequest, type StandIn, type StandInReply, startStandIn } from './stand-ins/http-stand-in.ts';

/** Facts of a provider over HTTP that the contract needs. Its own test adds what only it can do. */
export interface DefinitionSubject {
  /** Settings of an account as an operator writes them, with the stand-in as base URL. */
  readonly settings: (baseUrl: string) => object;
  readonly target: Target;
  readonly message?: Message;
  /** The reply to a message that is accepted, and to the requests before it, such as for a token. */
  readonly accept: (request: SeenRequest) => StandInReply;
  /** The reply by which the provider gives a code of its table; undefined: it gives it in another way, which its own test has. */
  readonly answer: (code: ProviderCode) => StandInReply | undefined;
  /** Whether a request is one to send a message, and no other. Default: all are. */
  readonly isSend?: (request: SeenRequest) => boolean;
  /** Our key, or what was made of it, as the provider sees it. Absent: it sees none. */
  readonly keyOf?: (request: SeenRequest) => unknown;
  /** The replies to `check()` that let us in, and that do not. Absent: the provider has no check. */
  readonly check?: { readonly good: StandInReply; readonly bad: StandInReply };
  /** Starts what stands in for the provider, if it is not a server of HTTP/1.1. */
  readonly start?: () => Promise<StandIn>;
  /** The reply to a rate limit, without Retry-After. Default: 429 with an empty body. */
  readonly throttled?: StandInReply;
  /** The outcome of a redirect, if the URL is one of the recipient: then it stops no account. Default: misconfigured. */
  readonly redirected?: 'rejected';
  /** Settings that sound secret and are not. */
  readonly notSecret?: readonly string[];
}

/** Tests the contract of all definitions, for one provider over HTTP: a stand-in, and every way in which it may answer. */
export function testDefinition(definition: ProviderDefinition, subject: DefinitionSubject): void {
  const { name, label, codes, defaults } = definition;
  const isSend = subject.isSend ?? (() => true);
  const start = subject.start ?? (() => startStandIn());

  async function open(url: string): Promise<{ provider: Provider; secrets: string[] }> {
    const written = subject.settings(url);
    const http = new GuardedClient(({ hostname }) => hostname === '127.0.0.1');
    const opened = await definition.open(definition.settings.parse(written), { http, clock: Date.now });
    const secretNames = listSecrets(definition.settings);
    const secrets = Object.entries(written).flatMap(([key, value]) =>
      secretNames.includes(key) && typeof value === 'string' ? [value] : [],
    );
    const closeOpened = opened.close.bind(opened);
    const close = async () => {
      await closeOpened();
      await http.close();
    };
    return { provider: Object.assign(opened, { close }), secrets };
  }

  const message = (more: Partial<Outgoing> = {}): Outgoing =>
    outgoing({
      channel: definition.channels[0] ?? 'email',
      target: subject.target,
      ...(subject.message ? { message: subject.message } : {}),
      ...more,
    });

  /** Reply to the requests to send; the others are answered as if all were well. */
  const onSend = (reply: StandInReply) => (request: SeenRequest) => (isSend(request) ? reply : subject.accept(request));

  testProvider(
    name,
    async () => {
      const standIn = await start();
      standIn.reply(subject.accept);
      const { provider } = await open(standIn.url);
      return { provider, stop: () => standIn.stop() };
    },
    { target: subject.target, ...(subject.message ? { message: subject.message } : {}) },
  );

  describe(`the definition of ${name}`, () => {
    test('is in the registry under its name', async () => {
      expect(await loadProvider(name)).toBe(definition);
    });

    test('says what it is for', () => {
      expect(label).toMatch(/\S/);
      expect(definition.about.length).toBeGreaterThan(200);
      expect(definition.channels.length).toBeGreaterThan(0);
      expect(defaults.concurrency).toBeGreaterThanOrEqual(1);
      expect(defaults.maxMillis).toBeLessThanOrEqual(60_000);
    });

    test('accepts its settings, and no field that is unknown', () => {
      const settings = subject.settings('https://provider.example');
      expect(definition.settings.safeParse(settings)).toMatchObject({ success: true });
      expect(definition.settings.safeParse({ ...settings, no_such_field: 'x' })).toMatchObject({ success: false });
      expect(definition.settings.safeParse({})).toMatchObject({ success: false });
    });

    test('describes each setting, and marks the secrets', () => {
      const options = { io: 'input', unrepresentable: 'any' } as const;
      const { properties = {} } = z.toJSONSchema(definition.settings, options) as { properties?: SettingFields };
      const secrets = listSecrets(definition.settings);
      for (const [field, { description }] of Object.entries(properties)) {
        expect(description, field).toMatch(/^[A-Z`].{8,}\.$/s);
        const soundsSecret = /secret|token|password|private_key|api_key/.test(field);
        const isPublic = subject.notSecret?.includes(field) ?? false;
        if (soundsSecret && !isPublic) expect(secrets).toContain(field);
      }
    });

    test('has each code once, with a meaning that can stand in a sentence', () => {
      expect(codes.length).toBeGreaterThan(0);
      expect(new Set(codes.map(({ code }) => code)).size).toBe(codes.length);
      for (const { code, meaning } of codes) {
        expect(code).toMatch(/^\S.{0,80}$/);
        expect(meaning).toMatch(/^(?!(?:The|An?|No|It|We|Your?|This|There|Our)\b)[a-zA-Z].{5,120}[^.]$/);
        expect(meaning).not.toContain('@');
      }
    });
  });

  describe(`one send of ${name} is one request:`, () => {
    let standIn: StandIn;
    let provider: Provider;
    let secrets: string[];

    beforeEach(async () => {
      standIn = await start();
      ({ provider, secrets } = await open(standIn.url));
    });
    afterEach(async () => {
      await provider.close();
      await standIn.stop();
    });

    /** Sends once, and expects one request and an outcome without secrets and addresses. */
    async function send(reply: StandInReply, more: Partial<Outgoing> = {}, signal = never()): Promise<SendOutcome> {
      standIn.reply(onSend(reply));
      const before = standIn.requests.filter(isSend).length;
      const outcome = await provider.send(message(more), signal);
      expectOutcome(outcome);
      expectNothingPrivate(outcome, [...secrets, ...listPrivateParts(subject.target)]);
      expect(standIn.requests.filter(isSend).length - before).toBe(1);
      return outcome;
    }

    const accepted = (): StandInReply & ((request: SeenRequest) => StandInReply) => subject.accept as never;

    /** Sends a message that is accepted. */
    async function sendWell(more: Partial<Outgoing> = {}): Promise<SendOutcome> {
      standIn.reply(accepted());
      return provider.send(message(more), never());
    }

    test('accepted', async () => {
      expect(await sendWell()).toMatchObject({ kind: 'sent' });
      expect(standIn.requests.filter(isSend)).toHaveLength(1);
    });

    test('accepted, though slowly', async () => {
      standIn.reply((request) => ({ ...subject.accept(request), delay: 300 }));
      expect(await provider.send(message(), never())).toMatchObject({ kind: 'sent' });
      expect(standIn.requests.filter(isSend)).toHaveLength(1);
    });

    test('every attempt shows the provider the same key, other messages another', async () => {
      const { keyOf } = subject;
      if (!keyOf) return;
      await sendWell({ idempotencyKey: 'n-1.email' });
      await sendWell({ idempotencyKey: 'n-1.email', attempt: 2 });
      await sendWell({ idempotencyKey: 'n-2.email' });
      const [first, again, other] = standIn.requests.filter(isSend).map(keyOf);
      expect(first).toBeTruthy();
      expect(again).toEqual(first);
      expect(other).not.toEqual(first);
    });

    test.each(codes.map((code) => [code.code, code] as const))('code %s', async (_, code) => {
      const reply = subject.answer(code);
      if (!reply) return;
      expect(await send(reply)).toMatchObject({
        kind: code.kind,
        code: code.code,
        ...(code.of ? { of: code.of } : {}),
        ...(code.kind === 'address_dead' ? { as: code.as ?? 'invalid' } : {}),
      });
    });

    test('throttled, with and without Retry-After', async () => {
      const throttled = subject.throttled ?? { status: 429 };
      const without = await send(throttled);
      expect(without).toMatchObject({ kind: 'retry' });
      // It pauses the account at once, as if the provider had asked for a minute.
      if ('of' in without && without.of === 'account')
        expect(without).toMatchObject({ after: 60_000, isUnstated: true });
      const seconds = await send({ ...throttled, headers: { ...throttled.headers, 'retry-after': '7' } });
      expect(seconds).toMatchObject({ kind: 'retry', after: 7000 });
      const date = new Date(Date.now() + 90_000).toUTCString();
      const dated = await send({ ...throttled, headers: { ...throttled.headers, 'retry-after': date } });
      expect((dated as { after?: number }).after).toBeGreaterThan(60_000);
      const odd = await send({ ...throttled, headers: { ...throttled.headers, 'retry-after': 'soon' } });
      expect(odd).toMatchObject({ kind: 'retry' });
    });

    test('throttled until a date, counts from the date of the response: the clocks may differ', async () => {
      const sent = Date.now() - 7_200_000;
      const date = new Date(sent).toUTCString();
      const until = new Date(sent + 90_000).toUTCString();
      const throttled = subject.throttled ?? { status: 429 };
      const outcome = await send({ ...throttled, headers: { ...throttled.headers, date, 'retry-after': until } });
      expect(outcome).toMatchObject({ kind: 'retry', after: 90_000 });
    });

    test.each(['0', '-1', '', 'Thu, 01 Jan 2026 00:00:00 GMT'])(
      'throttled with a Retry-After that asks for nothing (%j) is as without one',
      async (value) => {
        const throttled = subject.throttled ?? { status: 429 };
        const without = await send(throttled);
        expect(await send({ ...throttled, headers: { ...throttled.headers, 'retry-after': value } })).toEqual(without);
      },
    );

    test('a failure that leaves the message in doubt, with Retry-After, pauses for as long', async () => {
      for (const status of [500, 502, 503, 504]) {
        const reply = { ...subject.throttled, status, headers: { 'retry-after': '7' }, body: '' };
        const outcome = await send(reply);
        if (outcome.kind === 'in_doubt') expect(outcome).toMatchObject({ after: 7000 });
      }
    });

    test.each<[string, StandInReply]>([
      ['a proxy’s page with 200', { status: 200, headers: { 'content-type': 'text/html' }, body: '<html>ok</html>' }],
      ['a proxy’s page with 202', { status: 202, headers: { 'content-type': 'text/html' }, body: '<html>ok</html>' }],
      ['garbage with 200', { status: 200, body: Buffer.from([0xff, 0, 0x7b, 0x22, 1, 2]) }],
      ['JSON of something else', { status: 200, body: { hello: 'world' } }],
      ['JSON that is no object', { status: 200, body: '[null]' }],
    ])('%s is no success, and leaves the message in doubt', async (_, reply) => {
      expect(await send(reply)).toMatchObject({ kind: 'in_doubt' });
    });

    test.each([302, 307, 400, 401, 403, 404, 405, 409, 413, 418, 422, 429, 500, 502, 503, 504])(
      'a proxy’s page with %i is no success, and no dead address',
      async (status) => {
        const outcome = await send({
          status,
          headers: { 'content-type': 'text/html', location: `${standIn.url}/elsewhere` },
          body: '<html>no</html>',
        });
        expect(outcome.kind).toMatch(/^(?:retry|rejected|misconfigured|in_doubt)$/);
        if (status < 400) expect(outcome.kind).toBe(subject.redirected ?? 'misconfigured');
      },
    );

    test('a response that is far too long leaves it in doubt', async () => {
      expect(await send({ status: 200, body: 'x'.repeat(400_000) })).toMatchObject({ kind: 'in_doubt' });
    });

    test('no response: in doubt, soon after the deadline', async () => {
      const started = Date.now();
      expect(await send({ instead: 'hang' }, {}, AbortSignal.timeout(300))).toMatchObject({ kind: 'in_doubt' });
      expect(Date.now() - started).toBeLessThan(5000);
    });

    test('a connection that is reset after the request leaves it in doubt', async () => {
      expect(await send({ instead: 'reset' })).toMatchObject({ kind: 'in_doubt' });
      expect((await send({ status: 202, body: 'x'.repeat(99), instead: 'reset_midway' })).kind).not.toBe('sent');
    });

    test('a connection that is reset before the body was read is never a success', async () => {
      expect((await send({ instead: 'reset_early' })).kind).toMatch(/^(?:retry|in_doubt)$/);
    });

    test('a server that cannot be reached: retry, for it surely has nothing', async () => {
      await standIn.stop();
      expect(await provider.send(message(), never())).toMatchObject({ kind: 'retry' });
    });

    test('nothing is handed over once it must not be', async () => {
      standIn.reply(accepted());
      const outcome = await provider.send(message(), never(), () => false);
      expect(outcome.kind).not.toBe('sent');
      // At most the head of a request has arrived.
      expect(standIn.requests.filter(isSend).every(({ body }) => body === '')).toBe(true);
    });

    test('a response that quotes address and secrets leaves none of them in the outcome', async () => {
      const quoted = [...secrets, ...listPrivateParts(subject.target)].join(' , ');
      for (const status of [400, 401, 403, 404, 500]) {
        const errors = [{ message: quoted, code: quoted }];
        await send({ status, body: { message: quoted, error: quoted, code: 0, errors, type: quoted } });
        await send({ status, body: quoted });
      }
    });

    test('check() finds out whether we are let in, and sends nothing', async () => {
      const { check } = subject;
      expect(provider.check !== undefined).toBe(check !== undefined);
      expect(definition.checks !== null).toBe(check !== undefined);
      if (!check || !provider.check) return;
      standIn.reply(check.good);
      expect(await provider.check(never())).toEqual({ ok: true });
      standIn.reply(check.bad);
      const denied = await provider.check(never());
      expect(denied).toMatchObject({ ok: false });
      if (!denied.ok) expect(denied.reason).toMatch(/^[a-zA-Z].{5,200}[^.]$/);
      expectNothingPrivate(denied, secrets);
      for (const status of [500, 302]) {
        standIn.reply({ status, body: secrets.join(' ') });
        const failed = await provider.check(never());
        expect(failed).toMatchObject({ ok: false });
        expectNothingPrivate(failed, secrets);
      }
      standIn.reply({ instead: 'hang' });
      expect(await provider.check(AbortSignal.timeout(200))).toMatchObject({ ok: false });
      expect(standIn.requests.filter(isSend)).toEqual([]);
    });
  });
}

interface SettingFields {
  readonly [name: string]: { readonly description?: string };
}

/** Expects that none of the texts is in a value, as it is or as JSON has it. */
export function expectNothingPrivate(value: unknown, texts: readonly string[]): void {
  const written = JSON.stringify(value);
  for (const text of texts) {
    expect(written).not.toContain(text);
    expect(written).not.toContain(JSON.stringify(text).slice(1, -1));
  }
}

/** Returns the parts of a target that must never be logged. */
export function listPrivateParts(target: Target): string[] {
  switch (target.kind) {
    case 'email':
      return [target.address];
    case 'phone':
      return [target.number];
    case 'device':
      return [target.token];
    case 'browser':
      return [target.endpoint, target.auth, target.p256dh];
    case 'endpoint':
      return [target.url, ...target.secrets];
    case 'chat':
      return target.url === undefined ? [] : [target.url];
    case 'none':
      return [];
  }
}
