import de from '../../texts/failures/de.json?url';
import en from '../../texts/failures/en.json?url';
import es from '../../texts/failures/es.json?url';
import pt from '../../texts/failures/pt.json?url';
import { buildFailureWords } from './advice.ts';

/** Texts of each language by the words of the API. Of English those that say it without a command. */
const FILES: { readonly [language: string]: string } = { de, en, es, pt };

/** Fetched with the page that shows failures, as they are too many for the texts of every page. */
export const { toReason, toAdvice } = buildFailureWords(await fetchTexts());

/** Returns no texts when they cannot be loaded: what the API says is then shown as it is. */
async function fetchTexts(): Promise<Record<string, string>> {
  try {
    const answer = await fetch(FILES[document.documentElement.lang] ?? en);
    if (!answer.ok) throw new Error(`The texts of failures were answered with ${answer.status}`);
    return (await answer.json()) as Record<string, string>;
  } catch (error) {
    console.warn(error);
    return {};
  }
}
