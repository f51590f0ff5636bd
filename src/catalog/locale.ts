/** Locale of the template that every notification must have, used where a user's own locale has no template. */
export const DEFAULT_LOCALE = 'en';
