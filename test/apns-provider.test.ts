import { apns } from '../src/channels/push/apns.ts';
import { testDefinition } from './support/definition-contract.ts';
import { APNS_DEVICE, acceptApns, answerApns, apnsSettings } from './support/stand-ins/apns.ts';
import { startHttp2StandIn } from './support/stand-ins/http2-stand-in.ts';

testDefinition(apns, {
  settings: apnsSettings,
  target: APNS_DEVICE,
  message: { title: 'Welcome', text: 'Hello Maria' },
  accept: acceptApns,
  // The tests of bad tokens have the two that depend on the answers before.
  answer: (code) => (/^(BadDeviceToken|DeviceTokenNotForTopic)$/.test(code.code) ? undefined : answerApns(code)),
  keyOf: ({ headers }) => headers['apns-id'],
  isSend: ({ path }) => !path.endsWith('0'.repeat(64)),
  check: { good: answerApns({ code: 'BadDeviceToken' }), bad: answerApns({ code: 'InvalidProviderToken' }) },
  start: () => startHttp2StandIn(),
  throttled: answerApns({ code: 'TooManyRequests' }),
});
