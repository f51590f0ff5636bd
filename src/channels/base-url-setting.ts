import { z } from 'zod';

/**
 * Returns the schema of the base URL of a provider, without a slash at its end.
 * @param own the provider's own
 * @param description a sentence
 */
export function baseUrlSetting(own: string, description: string) {
  return z
    .string()
    .max(400)
    .refine(isBaseUrl, { error: 'must be a URL such as https://api.example.com, without query' })
    .transform((url) => url.replace(/\/+$/, ''))
    .default(own)
    .describe(description);
}

function isBaseUrl(text: string): boolean {
  if (!/^https?:\/\//.test(text) || !URL.canParse(text)) return false;
  const { username, password, search, hash } = new URL(text);
  return username === '' && password === '' && search === '' && hash === '';
}
