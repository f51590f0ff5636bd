import { Group, Paper, Text } from '@mantine/core';
import { IconArrowRight } from '@tabler/icons-react';
import type { CatalogRule } from '../api.ts';
import { List, RuleText } from '../shell/RuleText.tsx';

export function RuleCard({ rule }: { rule: CatalogRule }) {
  return (
    <Paper withBorder p="md" component="article" data-testid="rule">
      <Text component="h5" fw={650} mb="xs" className="break">
        {rule.name}
      </Text>
      <RuleText rule={rule} />
      <Group gap="xs" mt="sm" className="rule-notify" wrap="nowrap">
        <IconArrowRight size={18} aria-label="notify" />
        <span className="break">
          <List items={rule.notify} word="and" />
        </span>
      </Group>
    </Paper>
  );
}
