import { expect, test } from 'vitest';
import { isPermanentError, isTransient, isUnreachable } from '../src/store/pg/errors.ts';

test.each([
  ['the server ended an idle transaction', coded('25P03'), 'unreachable'],
  ['a server that is read-only', coded('25006'), 'unreachable'],
  ['no name service for now', coded('EAI_AGAIN'), 'unreachable'],
  ['no way to the host', coded('EHOSTUNREACH'), 'unreachable'],
  ['no answer', new Error('Query read timeout'), 'unreachable'],
  ['a lock that is held', coded('55P03'), 'transient'],
  ['a statement that was cancelled', coded('57014'), 'transient'],
  ['a serialization failure', coded('40001'), 'transient'],
  ['a deadlock', coded('40P01'), 'transient'],
  ['an invalid value', coded('22003'), 'permanent'],
  ['a broken constraint', coded('23514'), 'permanent'],
  ['a bug in our code', new TypeError('x is not a function'), 'permanent'],
  ['an error of our code', new Error('this never happens'), 'permanent'],
  ['a privilege that is missing', coded('42501'), 'neither'],
  ['no error', null, 'neither'],
])('classifies %s', (_what, error, kind) => {
  const other = isUnreachable(error) ? 'unreachable' : isTransient(error) ? 'transient' : 'neither';
  expect(isPermanentError(error) ? 'permanent' : other).toBe(kind);
});

function coded(code: string): Error {
  return Object.assign(new Error('an error of the database'), { code });
}
