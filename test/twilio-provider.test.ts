import { twilio } from '../src/channels/sms/twilio.ts';
import { testDefinition } from './support/definition-contract.ts';
import { answerTwilio, PHONE, TWILIO_ACCEPTS, twilioSettings } from './support/stand-ins/twilio.ts';

testDefinition(twilio, {
  settings: twilioSettings,
  target: PHONE,
  message: { text: 'Hello Maria' },
  accept: () => TWILIO_ACCEPTS,
  answer: answerTwilio,
  isSend: ({ path }) => path.endsWith('/Messages.json'),
  check: { good: { body: { status: 'active' } }, bad: answerTwilio({ code: '20003' }) },
  notSecret: ['api_key_sid'],
  throttled: answerTwilio({ code: '20429' }),
});
