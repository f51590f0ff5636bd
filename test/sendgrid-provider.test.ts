import { sendgrid } from '../src/channels/email/sendgrid.ts';
import { ADDRESS } from './support/channel-contract.ts';
import { testDefinition } from './support/definition-contract.ts';
import { answerSendGrid, SENDGRID_ACCEPTS } from './support/stand-ins/sendgrid.ts';

testDefinition(sendgrid, {
  settings: (base_url) => ({ api_key: 'SG.a-secret-key', from: 'Bank <bank@example.com>', base_url }),
  target: { kind: 'email', address: ADDRESS },
  accept: () => SENDGRID_ACCEPTS,
  answer: answerSendGrid,
  isSend: ({ path }) => path === '/v3/mail/send',
  keyOf: ({ body }) => JSON.parse(body).personalizations[0].custom_args.tidings_key,
  check: { good: { body: { scopes: ['mail.send'] } }, bad: { status: 401, body: { errors: [{ message: 'no' }] } } },
});
