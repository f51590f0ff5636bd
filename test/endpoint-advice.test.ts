import { expect, test } from 'vitest';
import { explainDeadLetters } from '../src/accounts/explain-dead-letters.ts';
import type { DeadLetterGroup } from '../src/model/dead-letter.ts';

/** Advice about messages that an endpoint did not take: an endpoint is no user with a device or an address. */

test.each([
  ['address_dead', '410', 'webhooks enable'],
  ['exhausted', '503', 'webhooks attempts'],
  ['exhausted', '500', 'webhooks attempts'],
])('the advice on %s with the status %s is about the endpoint', async (reasonCode, code, command) => {
  const group = { fault: 'recipient', channel: 'webhook', provider: 'webhook', account: null, reasonCode, code };
  const { advice } = await explainDeadLetters(group as DeadLetterGroup);
  expect(advice).toContain(`tidings ${command}`);
  expect(advice).toContain('tidings webhooks replay');
  expect(advice).not.toMatch(/device|mailbox|address|user/);
});
