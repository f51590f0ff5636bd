import { Text } from '@mantine/core';
import type { CatalogRule } from '../api/types.ts';
import { buildRuleParts } from './rule-parts.tsx';

/** Rule as text, one line per key. */
export function RuleText({ rule }: { rule: CatalogRule }) {
  return (
    <div className="rule">
      {buildRuleParts(rule).map(({ key, label, Icon, words }) => (
        <div key={key} className="rule-part">
          <span className="quiet" aria-hidden="true">
            <Icon size={16} />
          </span>
          <Text component="span" size="sm" c="dimmed">
            {label}
          </Text>
          <Text component="div" size="sm" className="break">
            {words}
          </Text>
        </div>
      ))}
    </div>
  );
}
