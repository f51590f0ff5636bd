import { Resolver } from 'node:dns/promises';
import type { Millis } from '../../model/event.ts';

/** Time in ms for one try of a look-up, and the tries. */
const MAX_TRY_MS: Millis = 2000;
const TRIES = 2;

/** Looks names up in the DNS. */
export interface DnsLookup {
  /**
   * Returns the TXT records of a name, each as one text; `absent`: there is neither the name nor one below it.
   * @throws DnsFailure if no server says so
   */
  txt(name: string): Promise<readonly string[] | 'absent'>;
}

/** No answer of a DNS server. */
export class DnsFailure extends Error {}

/** Returns look-ups by the resolvers of this machine. */
export function openDnsLookup(): DnsLookup {
  const resolver = new Resolver({ timeout: MAX_TRY_MS, tries: TRIES });
  return {
    async txt(name) {
      try {
        return (await resolver.resolveTxt(name)).map((parts) => parts.join(''));
      } catch (error) {
        const { code = 'unknown' } = error as NodeJS.ErrnoException;
        if (code === 'ENOTFOUND') return 'absent';
        if (code === 'ENODATA') return [];
        throw new DnsFailure(`the DNS did not answer for ${name} (${code})`);
      }
    },
  };
}
