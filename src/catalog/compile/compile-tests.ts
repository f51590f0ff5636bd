import { createHash } from 'node:crypto';
import { type CatalogData, DEFAULT_VARIANT, type TemplateTest } from '../../model/catalog.ts';
import type { CompiledTemplate } from '../../templates/template.ts';

/** Returns the template that a user is shown in a test. */
type ChooseTemplate = (userId: string) => CompiledTemplate | undefined;

/**
 * Returns the tests by `TYPE CHANNEL LOCALE`. A locale in which a variant has no template takes no part in its test: all its
 * users would be missing in that variant alone.
 *
 * @param templates as `compileTemplates` returns them
 */
export function compileTests(
  { tests = [] }: CatalogData,
  templates: ReadonlyMap<string, CompiledTemplate>,
): ReadonlyMap<string, ChooseTemplate> {
  const choices = new Map<string, ChooseTemplate>();
  for (const test of tests) {
    const prefix = `${test.notificationType} ${test.channel} `;
    for (const key of templates.keys()) {
      if (!key.startsWith(prefix) || key.includes('@', prefix.length)) continue;
      const shown = new Map<string, CompiledTemplate>();
      for (const variant of Object.keys(test.shares)) {
        const template = templates.get(variant === DEFAULT_VARIANT ? key : `${key}@${variant}`);
        if (template) shown.set(variant, { ...template, test: { id: test.id, variant } });
      }
      if (shown.size < Object.keys(test.shares).length) continue;
      choices.set(key, (userId) => shown.get(chooseVariant(test, userId)));
    }
  }
  return choices;
}

/** Returns the variant of a user. It depends on the test and the user alone, so a user stays in the same one. */
export function chooseVariant({ id, notificationType, shares }: TemplateTest, userId: string): string {
  const digest = createHash('sha256').update(`template ${id} ${notificationType} ${userId}`).digest();
  const percent = (digest.readUInt32BE() / 2 ** 32) * 100;
  let upTo = 0;
  for (const [variant, share] of Object.entries(shares).sort(([a], [b]) => (a < b ? -1 : 1))) {
    upTo += share;
    if (percent < upTo) return variant;
  }
  return DEFAULT_VARIANT;
}
