import { toWord } from '../../lib/text/to-word.ts';

/**
 * Words by which the owner of a number stops messages, wants them again, or asks for help: the lists of Twilio and AWS together,
 * and their French ones. Sources: twilio.com/docs/messaging/tutorials/advanced-opt-out, docs.aws.amazon.com/sms-voice
 * (required keywords).
 */
const WORDS = {
  stop: [
    'STOP',
    'STOPALL',
    'UNSUBSCRIBE',
    'END',
    'QUIT',
    'CANCEL',
    'REVOKE',
    'OPTOUT',
    'OPT-OUT',
    'OPT OUT',
    'REMOVE',
    'TD',
    'ARRET',
  ],
  start: ['START', 'UNSTOP', 'YES'],
  help: ['HELP', 'INFO'],
} as const;

export type SmsKeyword = keyof typeof WORDS;

const KEYWORDS = new Map<string, SmsKeyword>(
  Object.entries(WORDS).flatMap(([keyword, words]) => words.map((word) => [word, keyword as SmsKeyword] as const)),
);

/**
 * Returns the keyword that a message is as a whole: upper and lower case, accents and punctuation around it do not matter.
 * Undefined: it is another message, such as one that only has the word in it.
 */
export function findSmsKeyword(text: string): SmsKeyword | undefined {
  return KEYWORDS.get(toWord(text) ?? '');
}
