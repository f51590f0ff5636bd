import type { CatalogData } from '../../model/catalog.ts';
import { CHANNEL_DESCRIPTORS } from '../../model/channels/channels.ts';
import { toDigestTemplate } from '../../model/frequency.ts';
import { findDigestChannels } from '../../rules/compile/compile-frequency.ts';
import type { Report } from './findings.ts';

/** Reports types that the policy sends as digests, on channels for which they have no template for digests: they go at once. */
export function checkDigests(data: CatalogData, report: Report): void {
  const frequency = data.preferences?.frequency ?? {};
  const known = findDigestChannels(data);
  for (const { name, category, channels } of data.notifications) {
    const scope = [`t:${name}`, `c:${category}`].find((one) => frequency[one] !== undefined);
    if (scope === undefined || frequency[scope] === 'IMMEDIATE') continue;
    const missing = channels.filter(
      (channel) => !CHANNEL_DESCRIPTORS[channel].isForOthers && !known.get(name)?.has(channel),
    );
    if (missing.length === 0) continue;
    const message = `${name} has no template for digests by ${missing.join(', ')}: there it is sent at once`;
    const hint = `write templates/${toDigestTemplate(name)}/${missing[0]}.en.txt, or show "items" in its own template`;
    report('digest_template_missing', ['frequency', scope.slice(2)], message, hint);
  }
}
