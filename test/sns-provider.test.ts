import { sns } from '../src/channels/sms/sns.ts';
import { testDefinition } from './support/definition-contract.ts';
import { answerSns, isSnsSend, SNS_ACCEPTS, SNS_LETS_IN, snsSettings } from './support/stand-ins/sns-sms.ts';
import { PHONE } from './support/stand-ins/twilio.ts';

testDefinition(sns, {
  settings: snsSettings,
  target: PHONE,
  message: { text: 'Hello Maria' },
  accept: () => SNS_ACCEPTS,
  answer: answerSns,
  isSend: isSnsSend,
  check: { good: SNS_LETS_IN, bad: answerSns({ code: 'InvalidClientTokenId' }) },
  throttled: answerSns({ code: 'Throttling' }),
});
