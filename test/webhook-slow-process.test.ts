import { stat } from 'node:fs';
import { expect, test } from 'vitest';
import { EndpointSends } from '../src/webhooks/endpoint-sends.ts';

/** Whether an endpoint is slow, when it is this process that was busy. */

const block = (ms: number) => {
  const until = performance.now() + ms;
  while (performance.now() < until);
};

test('an endpoint that answered while the process was busy is not slow', async () => {
  const sends = new EndpointSends();
  const begun = await Promise.all(Array.from({ length: 8 }, () => sends.begin('endpoint')));
  expect(begun).toEqual(Array(8).fill(true));
  const next = sends.begin('endpoint');
  // The answer is there once the process comes to read it.
  stat('.', () => sends.end('endpoint'));
  block(700);
  expect(await next).toBe(true);
});

test('one that does not answer is slow', async () => {
  const sends = new EndpointSends();
  for (let n = 0; n < 8; n++) await sends.begin('endpoint');
  expect(await sends.begin('endpoint')).toBe(false);
  expect(await sends.begin('other')).toBe(true);
});
