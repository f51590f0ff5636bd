export interface DemoOptions {
  readonly folder: string;
  readonly fresh: boolean;
  readonly weeks: number;
  readonly seed: number;
  readonly port: number;
  /** Events a minute. */
  readonly rate: number;
  /** End of the past, in ms since 1970. */
  readonly until: number;
  readonly once: boolean;
  readonly json: boolean;
}

/** @param root folder of the project. @throws Error with what is wrong */
export function readOptions(args: readonly string[], root: string): DemoOptions | 'help';
export const USAGE: string;
