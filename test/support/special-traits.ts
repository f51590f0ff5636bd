import { BUILT_IN_TRAITS } from '../../src/catalog/lint/template-context.ts';

/** The traits that Tidings itself uses. */
export const SPECIAL_TRAITS: readonly string[] = Object.keys(BUILT_IN_TRAITS);
