import { z } from 'zod';
import { destination } from './destinations.ts';

/**
 * Returns the schema of the base URL of a provider, without a slash at its end.
 * @param own the provider's own
 * @param description a sentence
 */
export function baseUrlSetting(own: string, description: string) {
  return destination(baseUrl()).default(own).describe(description);
}

/** Returns the schema of a base URL that an account may have, if the provider's own depends on other settings. */
export function optionalBaseUrlSetting(description: string) {
  return destination(baseUrl()).optional().describe(description);
}

function baseUrl() {
  return z
    .string()
    .max(400)
    .refine(isBaseUrl, { error: 'must be a URL such as https://api.example.com, without query' })
    .transform((url) => url.replace(/\/+$/, ''));
}

function isBaseUrl(text: string): boolean {
  if (!/^https?:\/\//.test(text) || !URL.canParse(text)) return false;
  const { username, password, search, hash } = new URL(text);
  return username === '' && password === '' && search === '' && hash === '';
}
