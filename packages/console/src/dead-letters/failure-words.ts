import { useQuery } from '@tanstack/react-query';
import de from '../../texts/failures/de.json?url';
import en from '../../texts/failures/en.json?url';
import es from '../../texts/failures/es.json?url';
import pt from '../../texts/failures/pt.json?url';
import { buildFailureWords, type FailureWords } from './advice.ts';

/** Texts of each language by the words of the API. Of English those that say it without a command. */
const FILES: { readonly [language: string]: string } = { de, en, es, pt };

const NO_WORDS = buildFailureWords({});
const MAX_FETCH_MS = 20_000;

/**
 * Returns the texts, which are fetched once, when the first page shows failures: they are too many for the texts of every page. Until
 * they are there, what the API says is shown as it is; if they cannot be loaded, the next page of failures tries again.
 */
export function useFailureWords(): FailureWords {
  const { data = NO_WORDS } = useQuery({
    queryKey: ['failure-words'],
    queryFn: fetchWords,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: Number.POSITIVE_INFINITY,
    structuralSharing: false,
  });
  return data;
}

async function fetchWords({ signal }: { readonly signal: AbortSignal }): Promise<FailureWords> {
  const file = FILES[document.documentElement.lang] ?? en;
  const answer = await fetch(file, { signal: AbortSignal.any([signal, AbortSignal.timeout(MAX_FETCH_MS)]) });
  if (!answer.ok) throw new Error(`The texts of failures were answered with ${answer.status}`);
  return buildFailureWords((await answer.json()) as Record<string, string>);
}
