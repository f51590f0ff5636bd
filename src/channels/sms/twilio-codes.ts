import type { ProviderCode } from '../codes.ts';

/**
 * Codes of Twilio, of the answer to a request and of a status callback. Source: twilio.com/docs/api/errors. A code that concerns
 * one number, country or text never stops the account.
 */
export const TWILIO_CODES: readonly ProviderCode[] = [
  // The number.
  {
    code: '21610',
    kind: 'address_dead',
    as: 'opted_out',
    meaning: 'the owner of the number has replied STOP',
    advice:
      'Do not retry: only the owner of the number can take STOP back, with START. Then Twilio and Tidings send to it again.',
  },
  {
    code: '21211',
    kind: 'address_dead',
    meaning: 'the number is not a valid one',
    advice:
      'Correct the number: events have it as + and digits, with the calling code of the country. Nothing is sent to it until then.',
  },
  { code: '21217', kind: 'address_dead', meaning: 'the number does not seem to be a valid one' },
  { code: '21614', kind: 'address_dead', meaning: 'the number cannot receive SMS' },
  { code: '21635', kind: 'address_dead', meaning: 'the number is a landline' },
  { code: '30005', kind: 'address_dead', meaning: 'the number is not known to its carrier' },
  { code: '30006', kind: 'address_dead', meaning: 'the number is a landline, or its carrier cannot be reached' },
  { code: '30003', kind: 'retry', of: 'recipient', meaning: 'the phone is switched off or cannot be reached' },
  { code: '30008', kind: 'retry', of: 'recipient', meaning: 'the carrier could not deliver it, without a reason' },
  { code: '30017', kind: 'retry', of: 'recipient', meaning: 'the network of the carrier is congested' },
  // The message, or the way to this number.
  {
    code: '21408',
    kind: 'rejected',
    meaning: 'the country is not enabled: see the geographic permissions',
    fault: 'account',
    advice: 'Enable the country in the geographic permissions of the Twilio console, then retry.',
  },
  { code: '21602', kind: 'rejected', meaning: 'the message has no text' },
  { code: '21604', kind: 'rejected', meaning: 'the message has no recipient' },
  { code: '21612', kind: 'rejected', meaning: 'this sender cannot reach this number' },
  { code: '21617', kind: 'rejected', meaning: 'the text is too long: at most 1600 characters' },
  { code: '21619', kind: 'rejected', meaning: 'the message has neither text nor media' },
  { code: '21265', kind: 'rejected', meaning: 'the recipient is a short code' },
  { code: '21266', kind: 'rejected', meaning: 'the recipient is the sender' },
  {
    code: '30004',
    kind: 'rejected',
    meaning: 'the number or its carrier blocks the message',
    fault: 'recipient',
    advice: 'Do not retry: the number or its carrier blocks your messages. Ask the user for another number.',
  },
  {
    code: '30007',
    kind: 'rejected',
    meaning: 'a filter of the carrier or of Twilio stopped the message',
    advice:
      'Change the text: links of shorteners, capitals and words of advertising are the usual reason. Register the sender if it is not.',
  },
  { code: '30009', kind: 'rejected', meaning: 'a part of the message is missing' },
  { code: '30010', kind: 'rejected', meaning: 'the price of the message is above the limit' },
  {
    code: '30018',
    kind: 'rejected',
    meaning: 'the carrier wants the sender registered first',
    fault: 'account',
    advice: 'Register the sender with the carrier in the Twilio console, then retry.',
  },
  { code: '30019', kind: 'rejected', meaning: 'the message is too large for the carrier' },
  {
    code: '30024',
    kind: 'rejected',
    meaning: 'the sender is not provisioned at this carrier',
    fault: 'account',
    advice: 'Ask Twilio to provision the sender at this carrier, or send from another number, then retry.',
  },
  { code: '30036', kind: 'rejected', meaning: 'the message expired before it was delivered' },
  { code: '30038', kind: 'rejected', meaning: 'a filter for passcodes stopped the message' },
  { code: '30039', kind: 'rejected', meaning: 'a loop of messages was stopped' },
  {
    code: '30040',
    kind: 'rejected',
    meaning: 'the carrier wants the sender registered first',
    fault: 'account',
    advice: 'Register the sender with the carrier in the Twilio console, then retry.',
  },
  { code: '30450', kind: 'rejected', meaning: 'the protection against SMS pumping stopped the message' },
  { code: '30453', kind: 'rejected', meaning: 'the protection against SMS pumping stopped the message' },
  // The rate of the account.
  { code: '20429', kind: 'retry', of: 'account', meaning: 'too many requests at once' },
  { code: '14107', kind: 'retry', of: 'account', meaning: 'the rate limit of the sender is exceeded' },
  { code: '21611', kind: 'retry', of: 'account', meaning: 'the queue of the sender is full' },
  { code: '30001', kind: 'retry', of: 'account', meaning: 'the queue of the account is full' },
  { code: '30022', kind: 'retry', of: 'account', meaning: 'the rate limit of the A2P campaign is exceeded' },
  { code: '30023', kind: 'retry', of: 'account', meaning: 'the daily limit of the A2P brand is reached' },
  { code: '30027', kind: 'retry', of: 'account', meaning: 'the daily limit of the carrier is reached' },
  { code: '30410', kind: 'retry', of: 'recipient', meaning: 'the carrier did not respond in time' },
  // The settings of the account.
  {
    code: '20003',
    kind: 'misconfigured',
    meaning: 'the account SID, token or API key is wrong',
    advice:
      'Set the account SID and the token, or the API key, again with `tidings accounts update`, check it with `tidings providers check`, then retry.',
    installationAdvice:
      'Twilio is the provider of the installation: correct `TWILIO_ACCOUNT_SID` and `TWILIO_AUTH_TOKEN`, or `TWILIO_API_KEY_SID` and `TWILIO_API_KEY_SECRET`, in the environment of Tidings, restart Tidings, then retry.',
  },
  { code: '20005', kind: 'misconfigured', meaning: 'the account is not active' },
  { code: '20008', kind: 'misconfigured', meaning: 'test credentials cannot do this' },
  { code: '20404', kind: 'misconfigured', meaning: 'the account does not exist: check the SID and base_url' },
  { code: '21212', kind: 'misconfigured', meaning: 'the sender is not a valid number or name' },
  { code: '21603', kind: 'misconfigured', meaning: 'the message has no sender' },
  { code: '21606', kind: 'misconfigured', meaning: 'the sender is not yours, or cannot send SMS' },
  {
    code: '21608',
    kind: 'misconfigured',
    meaning: 'a trial account sends to verified numbers only',
    advice: 'Upgrade the trial account, or verify the number in the Twilio console, then retry.',
  },
  { code: '21609', kind: 'misconfigured', meaning: 'the URL of the status callback is not valid' },
  { code: '21659', kind: 'misconfigured', meaning: 'the sender is not a number of Twilio' },
  { code: '21660', kind: 'misconfigured', meaning: 'the sender belongs to another account' },
  { code: '21701', kind: 'misconfigured', meaning: 'the messaging service does not exist' },
  { code: '21703', kind: 'misconfigured', meaning: 'the messaging service has no sender' },
  { code: '21704', kind: 'misconfigured', meaning: 'the messaging service has no sender for this' },
  { code: '21705', kind: 'misconfigured', meaning: 'the messaging service SID is not valid' },
  { code: '30002', kind: 'misconfigured', meaning: 'the account is suspended' },
  { code: '30032', kind: 'misconfigured', meaning: 'the toll-free number is not verified' },
  {
    code: '30034',
    kind: 'misconfigured',
    meaning: 'the number is not registered for A2P messages in the United States',
  },
  { code: '30035', kind: 'misconfigured', meaning: 'the number is not part of an A2P campaign yet' },
  // Its servers. It knows no idempotency key, and may have accepted the message.
  { code: '20500', kind: 'in_doubt', meaning: 'an error inside Twilio, which may have accepted the message' },
  { code: '20503', kind: 'in_doubt', meaning: 'the service is not available, and may have accepted the message' },
];
