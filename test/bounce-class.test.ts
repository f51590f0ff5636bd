import { expect, test } from 'vitest';
import { getBounceClass } from '../src/track/bounce-class.ts';

test.each([
  ['ses', 'Transient/General', '5.4.4', false, 'dead'],
  ['ses', 'Permanent/General', '5.1.1', true, 'dead'],
  ['ses', 'Permanent/Suppressed', undefined, true, 'dead'],
  ['ses', 'Permanent/General', '5.7.1', true, 'policy'],
  ['ses', 'Transient/MailboxFull', '5.2.2', false, 'soft'],
  ['ses', 'Transient/General', '4.7.0', false, 'soft'],
  ['ses', 'Transient/MessageTooLarge', undefined, false, 'message'],
  ['ses', 'Undetermined', undefined, false, 'soft'],
  ['sendgrid', 'Invalid Address', undefined, true, 'dead'],
  ['sendgrid', 'bounce', '5.1.10', true, 'dead'],
  ['sendgrid', 'Reputation', undefined, true, 'policy'],
  ['sendgrid', 'Mailbox Unavailable', '5.2.1', true, 'dead'],
  ['twilio', '21610', undefined, true, 'opted_out'],
  ['twilio', '21211', undefined, true, 'dead'],
  ['twilio', '30003', undefined, undefined, 'soft'],
  ['twilio', '30007', undefined, true, 'policy'],
  ['http', undefined, '5.3.4', true, 'message'],
  ['http', undefined, undefined, true, 'dead'],
  ['http', undefined, undefined, undefined, 'soft'],
] as const)('%s %s %s, permanent: %s, is %s', (provider, code, enhancedCode, isPermanent, expected) => {
  const report = {
    provider,
    ...(code === undefined ? {} : { code }),
    ...(enhancedCode === undefined ? {} : { enhancedCode }),
    ...(isPermanent === undefined ? {} : { isPermanent }),
  };
  expect(getBounceClass(report)).toBe(expected);
});
