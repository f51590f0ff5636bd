import { describe, expect, test } from 'vitest';
import { formatFirstProblem, renderText } from './support/templates.ts';

const problem = (format: string) => formatFirstProblem(`{{date event.due ${JSON.stringify(format)}}}`);

describe('the format of a date is checked', () => {
  test.each([
    ['DD/MM/YYYY HH:mm', '"YYYY" is not a token of a date format (write "dd/MM/yyyy HH:mm")'],
    ['dddd, MMMM Do', '"dddd" is not a token of a date format (write "cccc, MMMM d")'],
    ['DD/MM/yyyy', '"DD" is a whole date, not a day (write "dd/MM/yyyy")'],
    ['D LLLL', '"D" is a whole date, not a day (write "d LLLL")'],
    ['yyyy-mm-dd', '"mm" is the minutes, not the month (write "yyyy-MM-dd")'],
    ['HH:MM', '"MM" is the month, not the minutes (write "HH:mm")'],
    ['d LLLL yyyy, HH:MM:ss', '"MM" is the month, not the minutes (write "d LLLL yyyy, HH:mm:ss")'],
    ['dd/MM/yyyy H.MM', '"MM" is the month, not the minutes (write "dd/MM/yyyy H.mm")'],
    ['h:M a', '"MM" is the month, not the minutes (write "h:m a")'],
    ["HH'h'MM", `"MM" is the month, not the minutes (write "HH'h'mm")`],
    ['HHMM', '"MM" is the month, not the minutes (write "HHmm")'],
    ['MM:ss', '"MM" is the month, not the minutes (write "mm:ss")'],
    ['mm/dd/yyyy', '"mm" is the minutes, not the month (write "MM/dd/yyyy")'],
    ['mm/dd/yyyy HH:mm', '"mm" is the minutes, not the month (write "MM/dd/yyyy HH:mm")'],
    ['mm/dd/yyyy HH:MM', '"MM" is the month, not the minutes (write "MM/dd/yyyy HH:mm")'],
    ['hh:mm A', '"A" is not a token of a date format (write "hh:mm a")'],
    ["d 'de' LLLL 'de' YYYY", '"YYYY" is not a token of a date format (write "d \'de\' LLLL \'de\' yyyy")'],
  ])('%s', (format, expected) => {
    expect(problem(format)).toBe(expected);
  });

  test('a letter that is no token is named', () => {
    expect(problem('d of LLLL')).toBe(
      '"of" is read as a date or time (text is in single quotes: write "d \'of\' LLLL")',
    );
    expect(problem('yyyy-MM-ddTHH:mm')).toContain(`write "yyyy-MM-dd'T'HH:mm"`);
    expect(problem('yyyy J')).toMatch(/^"J" is not a token of a date format \(tokens are /);
  });

  test.each([
    ...[
      'd LLLL yyyy',
      'dd.LL.yyyy',
      'dd/MM/yyyy HH:mm',
      'cccc, d LLLL',
      'DD',
      'DDDD',
      'f',
      't',
      "d 'of' LLLL",
      'HH:mm',
    ],
    ...[
      'HH:mm ZZZZ',
      'h:mm a',
      'yyyy',
      "DD 'at' t",
      'kkkk-WW',
      'yyyy/LL/dd',
      'HH:mm dd.MM.',
      'HH:mm, MM/dd',
      'HH MM',
      'mm:ss',
      "d.M. 'um' H.mm",
      "cccc d 'de' LLLL 'às' HH'h'mm",
      '年',
    ],
  ])('%s is right', (format) => {
    expect(problem(format)).toBe('');
  });

  test('a format that is data is not checked', () => {
    expect(renderText('{{date event.due event.format}}', { event: { due: '2025-11-20', format: 'YYYY' } })).toBe(
      'YYYY',
    );
  });
});
