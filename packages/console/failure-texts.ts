import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { getCodeAdvice, listOwnWords } from '../../src/channels/advice.ts';
import { listProviderNames, loadProvider } from '../../src/channels/registry.ts';

/** Texts of what the API says of failed deliveries: they have files of their own, which the pages that need them fetch. */

/** Returns the sentences of all tables of codes: meanings, and advice. Reasons with values in them are in no table. */
export async function listFailureWords(): Promise<string[]> {
  const words = new Set(listOwnWords());
  for (const name of listProviderNames()) {
    const { codes = [], recipientAdvice } = (await loadProvider(name)) ?? {};
    if (recipientAdvice !== undefined) words.add(recipientAdvice);
    for (const entry of codes) {
      words.add(entry.meaning);
      for (const owner of ['tenant', 'installation'] as const) words.add(getCodeAdvice(entry, owner));
    }
  }
  return [...words];
}

/** Returns the texts of a language by the words of the API; of English those that name a command, which the console does not. */
export function readFailureTexts(language: string): Record<string, string> {
  return JSON.parse(readFileSync(join(import.meta.dirname, 'texts/failures', `${language}.json`), 'utf8'));
}
