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
/** Characters of the longest message that can be a word with punctuation. */
const MAX_CHARS = 40;

/**
 * Returns the keyword that a message is as a whole: upper and lower case, accents and punctuation around it do not matter.
 * Undefined: it is another message, such as one that only has the word in it.
 */
export function findSmsKeyword(text: string): SmsKeyword | undefined {
  const trimmed = text.trim();
  if (trimmed.length > MAX_CHARS) return undefined;
  const word = trimmed
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .replace(/^[\s\p{P}]+|[\s\p{P}]+$/gu, '')
    .replace(/\s+/g, ' ')
    .toUpperCase();
  return KEYWORDS.get(word);
}
