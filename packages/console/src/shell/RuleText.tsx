import { Code, Text } from '@mantine/core';
import { IconBolt, IconFilter, IconGauge, IconHistory } from '@tabler/icons-react';
import { Fragment, type ReactNode } from 'react';
import type { RuleAfter } from '../api.ts';

/** What a rule listens to and asks for, in words: one line for each part it has. */
export function RuleText({
  rule,
}: {
  rule: { on: string[]; when?: string | null; after?: RuleAfter | null; limits: string[] };
}) {
  return (
    <div className="rule">
      <Line icon={<IconBolt size={16} stroke={1.8} />} label="On">
        <List items={rule.on} word="or" />
      </Line>
      {rule.after && (
        <Line icon={<IconHistory size={16} stroke={1.8} />} label="After">
          within {rule.after.within} after <span className="name">{rule.after.event}</span>
        </Line>
      )}
      {rule.when && (
        <Line icon={<IconFilter size={16} stroke={1.8} />} label="When">
          <Code>{rule.when}</Code>
        </Line>
      )}
      <Line icon={<IconGauge size={16} stroke={1.8} />} label="Limit">
        {rule.limits.length === 0 ? 'none' : rule.limits.join(', ')}
      </Line>
    </div>
  );
}

function Line({ icon, label, children }: { icon: ReactNode; label: string; children: ReactNode }) {
  return (
    <div className="rule-part">
      <span className="quiet" aria-hidden="true">
        {icon}
      </span>
      <Text component="span" size="sm" c="dimmed">
        {label}
      </Text>
      <Text component="span" size="sm" className="break">
        {children}
      </Text>
    </div>
  );
}

export function List({ items, word }: { items: string[]; word: string }) {
  return items.map((item, index) => (
    <Fragment key={item}>
      {index > 0 && ` ${word} `}
      <span className="name">{item}</span>
    </Fragment>
  ));
}
