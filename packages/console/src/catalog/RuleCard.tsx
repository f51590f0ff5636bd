import { Group, Paper, Text } from '@mantine/core';
import type { CatalogRule } from '../api/types.ts';
import { IconArrowRight } from '../shell/icons.tsx';
import { RuleText } from '../shell/RuleText.tsx';
import { List, listTypes } from '../shell/rule-parts.tsx';
import { t } from '../text/text.ts';

/** Rule of the catalog, and the notification types that it sends. */
export function RuleCard({ rule }: { rule: CatalogRule }) {
  const types = listTypes(rule);
  return (
    <Paper withBorder p="md" component="article" data-testid="rule" data-at={`rule:${rule.name}`}>
      <Text component="h3" fw={650} mb="xs" className="break">
        {rule.name}
      </Text>
      <RuleText rule={rule} />
      <Group gap="xs" mt="sm" className="rule-notify" wrap="nowrap">
        <IconArrowRight size={18} label={t('notify')} />
        <span className="break">
          {types.length === 0 ? (
            t('nothing is sent')
          ) : (
            <List items={types} word={rule.choose || rule.split ? 'or' : 'and'} />
          )}
        </span>
      </Group>
    </Paper>
  );
}
