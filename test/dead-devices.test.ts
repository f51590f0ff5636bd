import pino from 'pino';
import { afterEach, describe, expect, test } from 'vitest';
import type { SendOutcome } from '../src/model/delivery.ts';
import { type PushAccount, type PushTidings, pushTidings } from './support/push.ts';

/** Devices that are gone: retired by the codes of their provider only. */

const open: PushTidings[] = [];
async function start(answer: PushAccount['answer'], log?: Parameters<typeof pushTidings>[1]): Promise<PushTidings> {
  const push = await pushTidings([{ name: 'shop', ...(answer ? { answer } : {}) }], log);
  open.push(push);
  return push;
}
afterEach(() => Promise.all(open.splice(0).map((one) => one.close())));

const GONE = {
  kind: 'address_dead',
  as: 'unregistered',
  reason: 'the app is no longer on the device',
  code: 'UNREGISTERED',
} as const;

/** Answers as `outcome` for tokens that begin with `dead`. */
const deadTokens =
  (outcome: SendOutcome): PushAccount['answer'] =>
  ({ target }) =>
    target.kind === 'device' && target.token.startsWith('dead') ? outcome : { kind: 'sent' };

describe('a device', () => {
  test('is retired with the code of the provider, and gets no further message', async () => {
    const push = await start(deadTokens(GONE));
    const dead = await push.register('ann', { token: 'dead token' });
    const live = await push.register('ann', { token: 'live token' });
    expect(await push.push('ann')).toEqual(
      expect.arrayContaining([
        { target: dead, status: 'dead', reason_code: 'address_dead' },
        { target: live, status: 'sent', reason_code: null },
      ]),
    );
    expect(await push.devices('ann')).toMatchObject([
      { deviceId: live, retiredCode: null },
      { deviceId: dead, retiredCode: 'UNREGISTERED' },
    ]);
    expect(await push.push('ann')).toEqual([{ target: live, status: 'sent', reason_code: null }]);
  });

  test('is not retired by an outcome without a code, nor by a rejected message', async () => {
    for (const outcome of [
      { kind: 'address_dead', reason: 'the device is gone, says a text' },
      { kind: 'rejected', reason: 'the message is too large', code: 'PayloadTooLarge' },
      { kind: 'misconfigured', reason: 'the topic is wrong', code: 'BadTopic' },
    ] as const) {
      const push = await start(deadTokens(outcome));
      await push.register('ann', { token: 'dead token' });
      if (outcome.kind !== 'misconfigured') await push.push('ann');
      expect(await push.devices('ann')).toMatchObject([{ retiredCode: null }]);
    }
  });

  test('that was registered after the provider learned of the end stays', async () => {
    let since = 0;
    const push = await start((outgoing) => deadTokens({ ...GONE, since })?.(outgoing) as SendOutcome);
    since = push.tidings.clock.now - 60_000;
    await push.register('ann', { token: 'dead token' });
    await push.push('ann');
    expect(await push.devices('ann')).toMatchObject([{ retiredCode: null }]);
    since = push.tidings.clock.now + 1;
    await push.push('ann');
    expect(await push.devices('ann')).toMatchObject([{ retiredCode: 'UNREGISTERED' }]);
  });

  test('that is registered again while the message is under way stays', async () => {
    const push: PushTidings = await start(async ({ target }) => {
      if (target.kind !== 'device') throw new Error('no device');
      push.tidings.clock.now += 1000;
      await push.register('ann', { token: target.token });
      return GONE;
    });
    await push.register('ann', { token: 'dead token' });
    await push.push('ann');
    expect(await push.devices('ann')).toMatchObject([{ retiredCode: null }]);
  });

  test('keeps its code when its token is registered again, as another device', async () => {
    const push = await start(deadTokens(GONE));
    const first = await push.register('ann', { token: 'dead token' });
    await push.push('ann');
    const second = await push.register('ann', { token: 'dead token' });
    expect(await push.devices('ann')).toMatchObject([
      { deviceId: second, retiredCode: null },
      { deviceId: first, retiredCode: 'UNREGISTERED' },
    ]);
  });
});

describe('an account that calls many tokens dead', () => {
  test('retires none, what it has retired is restored, and it is reported once', async () => {
    const lines: string[] = [];
    const log = pino({ level: 'error' }, { write: (line: string) => void lines.push(line) });
    const push = await start(deadTokens(GONE), log);
    for (let i = 0; i < 24; i++) await push.register('ann', { token: `${i % 4 === 0 ? 'dead' : 'live'} ${i}` });
    await push.push('ann');
    expect((await push.devices('ann')).filter(({ retiredCode }) => retiredCode !== null)).toEqual([]);
    await push.push('ann');
    expect((await push.devices('ann')).filter(({ retiredCode }) => retiredCode !== null)).toEqual([]);
    expect(lines.filter((line) => line.includes('calls too many device tokens dead'))).toHaveLength(1);
    expect(lines.join()).not.toContain('dead 0');
  });

  test('is believed while at most a fifth of its answers say so', async () => {
    const push = await start(deadTokens(GONE));
    for (let i = 0; i < 30; i++) await push.register('ann', { token: `${i < 3 ? 'dead' : 'live'} ${i}` });
    await push.push('ann');
    expect((await push.devices('ann')).filter(({ retiredCode }) => retiredCode !== null)).toHaveLength(3);
  });
});
