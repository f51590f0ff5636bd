import { DE } from './de.ts';
import { EN } from './en.ts';
import { ES } from './es.ts';
import { PT } from './pt.ts';

export const PREFERENCE_TEXTS = { en: EN, de: DE, es: ES, pt: PT } as const;
