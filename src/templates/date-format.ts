/* Checks the formats of `{{date}}`, which are those of Luxon. Most errors are tokens of Moment.js. */

/** https://moment.github.io/luxon/#/formatting?id=table-of-tokens, without those for a whole date or time. */
const TOKENS: ReadonlySet<string> = new Set(
  (
    'S u SSS s ss uu uuu m mm h hh H HH Z ZZ ZZZ ZZZZ ZZZZZ z a d dd c ccc cccc ccccc E EEE EEEE EEEEE ' +
    'L LL LLL LLLL LLLLL M MM MMM MMMM MMMMM y yy yyyy yyyyyy G GG GGGGG kk kkkk W WW n nn ii iiii o ooo q qq X x'
  ).split(' '),
);

/** Tokens for a whole date (D), time (t, T), or both (f, F), in the form of the locale. */
const WHOLE = /^(?:D{1,4}|t{1,4}|T{1,4}|f{1,4}|F{1,4})$/;

/** Tokens of Moment.js, and what Luxon calls them. */
const MOMENT: { readonly [token: string]: string | undefined } = {
  YYYY: 'yyyy',
  YY: 'yy',
  Y: 'yyyy',
  DD: 'dd',
  D: 'd',
  DDD: 'o',
  DDDD: 'ooo',
  dddd: 'cccc',
  ddd: 'ccc',
  A: 'a',
  eeee: 'cccc',
  eee: 'ccc',
  gggg: 'kkkk',
};

/** Returns what is wrong with a format and what to write instead; undefined if it is right. */
export function checkDateFormat(format: string): { readonly message: string; readonly hint: string } | undefined {
  const runs = splitFormat(format);
  const tokens = runs.filter(({ literal }) => !literal).map(({ text }) => text);
  const unknown = tokens.find((token) => /^[A-Za-z]/.test(token) && !TOKENS.has(token) && !WHOLE.test(token));
  if (unknown !== undefined) return describeProblem(runs, `"${unknown}" is not a token of a date format`);
  const day = tokens.find((token) => /^D+$/.test(token));
  if (day !== undefined && tokens.some((token) => /^[dLMyoW]/.test(token))) {
    return describeProblem(runs, `"${day}" is a whole date, not a day`);
  }
  const word = findWord(runs);
  if (word !== undefined) return word;
  return findSwapped(runs);
}

/** Finds the month in the place of the minutes, as in `HH:MM`, and the minutes in the place of the month, as in `yyyy-mm-dd`. */
function findSwapped(runs: readonly Run[]) {
  const isToken = (at: number, token: RegExp) => runs[at]?.literal === false && token.test(runs[at].text);
  const isSign = (at: number, sign: RegExp) => sign.test(runs[at]?.text ?? '') && !isToken(at, /[A-Za-z]/);
  const follows = (at: number, sign: RegExp, token: RegExp) => isSign(at - 1, sign) && isToken(at - 2, token);
  const precedes = (at: number, sign: RegExp, token: RegExp) => isSign(at + 1, sign) && isToken(at + 2, token);
  const isAfterHours = (at: number) => follows(at, OF_TIME, HOURS) || isToken(at - 1, HOURS);
  const isDate = !runs.some((_, at) => isToken(at, /^[hHtTfF]/)) && runs.some((_, at) => isToken(at, /^[dy]/));
  const isMonth = (at: number) => isToken(at, /^MM?$/) && (isAfterHours(at) || precedes(at, OF_TIME, /^ss?$/));
  const isMinutes = (at: number) =>
    isToken(at, /^m+$/) &&
    (isDate || (!isAfterHours(at) && (follows(at, OF_DATE, DAY_OR_YEAR) || precedes(at, OF_DATE, DAY_OR_YEAR))));
  const fixed = runs.map(({ text, written }, at) => {
    if (isMonth(at)) return text.toLowerCase();
    return isMinutes(at) ? text.toUpperCase() : written;
  });
  const hint = `write "${fixed.join('')}"`;
  if (runs.some((_, at) => isMonth(at))) return { message: '"MM" is the month, not the minutes', hint };
  if (runs.some((_, at) => isMinutes(at))) return { message: '"mm" is the minutes, not the month', hint };
  return undefined;
}

const HOURS = /^(?:HH?|hh?)$/;
const DAY_OR_YEAR = /^(?:dd?|yy|y{4})$/;
/** A sign between the parts of a time; text in quotes, as in `HH'h'mm`, is one as well. */
const OF_TIME = /^(?:[:.-]|h)$/i;
const OF_DATE = /^[-./]$/;

/** Finds a token for a whole date or time beside other letters, as in `d of LLLL` or `ddTHH`: text without its quotes. */
function findWord(runs: readonly Run[]) {
  const isLetters = (at: number) => runs[at]?.literal === false && /^[A-Za-z]/.test(runs[at].text);
  const at = runs.findIndex(
    ({ text }, index) => isLetters(index) && WHOLE.test(text) && (isLetters(index - 1) || isLetters(index + 1)),
  );
  if (at < 0) return undefined;
  let [first, last] = [at, at];
  while (isLetters(first - 1) && runs[first - 1]!.text.length === 1) first--;
  while (isLetters(last + 1) && runs[last + 1]!.text.length === 1) last++;
  const written = (some: readonly Run[]) => some.map((run) => run.written).join('');
  const word = written(runs.slice(first, last + 1));
  const fixed = `${written(runs.slice(0, first))}'${word}'${written(runs.slice(last + 1))}`;
  return { message: `"${word}" is read as a date or time`, hint: `text is in single quotes: write "${fixed}"` };
}

function describeProblem(runs: readonly Run[], message: string) {
  // In Moment.js, `Do` is the day with its ending, which Luxon does not have.
  const fixed = runs.map(({ text, literal, written }, at) => {
    if (literal) return written;
    if (text === 'o' && /^D/.test(runs[at - 1]?.text ?? '')) return '';
    return MOMENT[text] ?? written;
  });
  const meant = fixed.join('');
  const isChanged = meant !== '' && meant !== runs.map(({ written }) => written).join('');
  const isRight = isChanged && checkDateFormat(meant) === undefined;
  return {
    message,
    hint: isRight
      ? `write "${meant}"`
      : 'tokens are yyyy, LL or LLLL, d or dd, cccc, HH, mm, ss and others of Luxon; text is in single quotes',
  };
}

interface Run {
  readonly text: string;
  readonly literal: boolean;
  /** The run as it is written, with quotes. */
  readonly written: string;
}

/** Splits a format as Luxon does: runs of one character, and text between single quotes. */
function splitFormat(format: string): Run[] {
  return [...format.matchAll(/'([^']*)('|$)|(.)\3*/gsu)].map(([written, quoted]) =>
    quoted === undefined ? { text: written, literal: false, written } : { text: quoted, literal: true, written },
  );
}
