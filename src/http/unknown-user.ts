import { TidingsError } from '../errors.ts';

/** Returns the error for a user in a path that no event has named. */
export function unknownUser(): TidingsError {
  return new TidingsError(
    'not_found',
    'There is no such user; a user is known from the first event on, so send one first.',
    { pointer: 'user_id' },
  );
}
