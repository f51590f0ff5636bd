import { InvalidArgumentError } from 'commander';

/** Parses the number of a catalog version. @throws InvalidArgumentError with what would be right */
export function parseVersion(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Write the number of a version; see `tidings catalog versions`.');
}

/** Parses the largest number of entries to list. @throws InvalidArgumentError with what would be right */
export function parseLimit(text: string): number {
  const limit = Number(text);
  if (/^\d{1,3}$/.test(text) && limit >= 1 && limit <= 200) return limit;
  throw new InvalidArgumentError('Write a whole number from 1 to 200.');
}
