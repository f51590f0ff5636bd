import { type GuardedClient, RequestFailure } from '../http-out/guarded-client.ts';

/** Links that are tried, and the time in ms for each and for all of them. */
const MAX_TRIED_LINKS = 20;
const MAX_LINK_MS = 5000;
const MAX_ALL_MS = 15_000;
const MAX_BYTES = 1024;

/** The answer of a link. */
export interface LinkAnswer {
  readonly url: string;
  /** Status; null: no answer, and `reason` says why. */
  readonly status: number | null;
  readonly reason?: string;
}

/** Asks for the first links that can be asked for: public `https://` addresses. Redirects are answers. Never throws. */
export async function followLinks(outbound: GuardedClient, urls: readonly string[]): Promise<readonly LinkAnswer[]> {
  const signal = AbortSignal.timeout(MAX_ALL_MS);
  const tried = urls.filter((url) => /^https:/i.test(url)).slice(0, MAX_TRIED_LINKS);
  return Promise.all(
    tried.map(async (url): Promise<LinkAnswer> => {
      const target = url.replace(/#.*$/s, '');
      const fault = outbound.findFault(target);
      if (fault !== undefined) return { url, status: null, reason: `the URL ${fault}` };
      try {
        const limits = { maxBytes: MAX_BYTES, cutsResponse: true, maxMillis: MAX_LINK_MS };
        const { status } = await outbound.send(target, { method: 'GET', signal, ...limits });
        return { url, status };
      } catch (error) {
        if (!(error instanceof RequestFailure)) throw error;
        return { url, status: null, reason: error.message };
      }
    }),
  );
}
