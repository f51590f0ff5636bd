import { fcm } from '../src/channels/push/fcm.ts';
import { testDefinition } from './support/definition-contract.ts';
import { acceptFcm, answerFcm, FCM_DEVICE, fcmSettings, grantToken, isFcmSend } from './support/stand-ins/fcm.ts';

testDefinition(fcm, {
  settings: fcmSettings,
  target: FCM_DEVICE,
  message: { title: 'Welcome', text: 'Hello Maria' },
  accept: acceptFcm,
  // That of a token of another project depends on the answers before; fcm-senders.test.ts has it.
  answer: (code) => (code.code === 'SENDER_ID_MISMATCH' ? undefined : answerFcm(code)),
  isSend: isFcmSend,
  keyOf: ({ body }) =>
    (JSON.parse(body) as { message: { android: { notification: { tag: string } } } }).message.android.notification.tag,
  check: {
    good: grantToken(),
    bad: { status: 400, body: { error: 'invalid_grant', error_description: 'Invalid JWT.' } },
  },
  notSecret: ['private_key_id', 'token_uri'],
  throttled: answerFcm({ code: 'QUOTA_EXCEEDED' }),
});
