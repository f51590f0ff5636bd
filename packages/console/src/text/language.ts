/* The language that the console speaks, chosen before its pages are loaded: a page never changes its language while it is shown. */
import de from '../../texts/de.json?url';
import es from '../../texts/es.json?url';
import pt from '../../texts/pt.json?url';
import { ofBrowser } from '../kept-values.ts';

/** Languages by their name in themselves. English is the text of the source. */
export const LANGUAGES = { en: 'English', de: 'Deutsch', es: 'Español', pt: 'Português' } as const;
export type Language = keyof typeof LANGUAGES;

/** Addresses of the texts of each language but English: a JSON object of English text to translation. */
const TEXTS: { readonly [language in Exclude<Language, 'en'>]: string } = { de, es, pt };

const STORAGE_KEY = 'tidings-language';

/** Returns the language that was chosen in this browser, else the first of the browser's that the console has. */
export function getLanguage(): Language {
  const chosen = ofBrowser.read(STORAGE_KEY);
  return [chosen, ...navigator.languages].map((tag) => tag?.split('-')[0]).find(isLanguage) ?? 'en';
}

/** Keeps the language in this browser, and loads the page anew. */
export function chooseLanguage(language: Language): void {
  ofBrowser.write(STORAGE_KEY, language);
  location.reload();
}

/** Returns the viewer's own form of a language, such as `en-GB`, which dates and numbers follow. */
export function toLocale(language: Language): string {
  return navigator.languages.find((tag) => tag.split('-')[0] === language) ?? language;
}

/** Fetches the texts of a language. Rejects when they cannot be loaded. */
export async function fetchTexts(language: Language): Promise<Record<string, string>> {
  if (language === 'en') return {};
  const answer = await fetch(TEXTS[language]);
  if (!answer.ok) throw new Error(`The texts of ${language} were answered with ${answer.status}`);
  return (await answer.json()) as Record<string, string>;
}

function isLanguage(tag: string | undefined): tag is Language {
  return tag !== undefined && Object.hasOwn(LANGUAGES, tag);
}
