import axe from 'axe-core';
import type { Page } from 'playwright-core';

/** Rules of WCAG 2.2 AA, and the practices that axe recommends beside them. */
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** Rules that axe leaves out unless they are asked for. */
const MORE_RULES = { 'label-content-name-mismatch': { enabled: true } };

/**
 * Returns the violations that axe finds on a page as it is now: a line for each rule, with the elements that break it. The page
 * must run scripts; its content security policy does not matter.
 */
export async function findViolations(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  return page.evaluate<string[]>(
    `axe.run(document, { runOnly: ${JSON.stringify(TAGS)}, rules: ${JSON.stringify(MORE_RULES)}, resultTypes: ['violations'] })
       .then(({ violations }) => violations.map(({ id, help, nodes }) =>
         id + ': ' + help + ': ' + nodes.map(({ html }) => html.slice(0, 200)).join(' | ')))`,
  );
}
