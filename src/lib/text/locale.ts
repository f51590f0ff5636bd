/** Longer texts are no locales; those of RFC 5646 that are in use have fewer than 40 characters. */
const MAX_LOCALE_CHARS = 100;

/**
 * Returns the canonical BCP 47 spelling of a locale (`pt_br` → `pt-BR`, `iw` → `he`), or undefined if it is not one. Accepts
 * underscores, and what POSIX adds after a dot or an at sign (`pt_BR.UTF-8`).
 */
export function canonicalizeLocale(locale: string): string | undefined {
  if (locale === '' || locale.length > MAX_LOCALE_CHARS) return undefined;
  try {
    return Intl.getCanonicalLocales(
      locale
        .trim()
        .replace(/[.@].*$/s, '')
        .replaceAll('_', '-'),
    )[0];
  } catch {
    return undefined;
  }
}

/**
 * Returns the locales to look for, the most specific first, by the look-up of RFC 4647, section 3.4: subtags are removed
 * from the end, and with them a single letter before the end. `zh-Hant-TW-x-a` gives `zh-Hant-TW-x-a`, `zh-Hant-TW`,
 * `zh-Hant`, `zh`. Empty if the text is not a locale.
 */
export function listLookupLocales(locale: string): readonly string[] {
  const found: string[] = [];
  const subtags = canonicalizeLocale(locale)?.split('-') ?? [];
  while (subtags.length > 0) {
    found.push(subtags.join('-'));
    subtags.pop();
    if (subtags.at(-1)?.length === 1) subtags.pop();
  }
  return found;
}

/**
 * Returns the locales to look for with those that stand in for them: first all of `listLookupLocales`, then the fallbacks of
 * each in this order, shortened in the same way. A fallback of a fallback is not followed.
 *
 * @param fallbacks locales by a canonical locale
 */
export function listLocalesWithFallbacks(
  locale: string,
  fallbacks?: { readonly [locale: string]: readonly string[] },
): readonly string[] {
  const own = listLookupLocales(locale);
  if (fallbacks === undefined) return own;
  const others = own.flatMap((one) => (Object.hasOwn(fallbacks, one) ? (fallbacks[one] ?? []) : []));
  return [...new Set([...own, ...others.flatMap(listLookupLocales)])];
}
