import { Badge, Group, Skeleton, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { Difference, Json } from '@tidings/client/types';
import { getCatalogDiff } from '../api/catalog.ts';
import { getTextColor } from '../shell/outcome.ts';
import { ProblemView } from '../shell/ProblemView.tsx';
import { t } from '../text/text.ts';
import { TextDiff } from './TextDiff.tsx';

/** The differences between two versions of the catalog. */
export function DiffView({ from, to }: { from: number; to: number }) {
  const diff = useQuery({
    queryKey: ['catalog diff', from, to],
    queryFn: () => getCatalogDiff(from, to),
    // A version never changes.
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (diff.error) return <ProblemView problem={diff.error} retry={() => diff.refetch()} />;
  if (diff.isPending) return <Skeleton height={80} />;
  return <DifferenceList differences={diff.data.differences} />;
}

/** Differences between two catalogs, by part. */
export function DifferenceList({ differences }: { differences: readonly Difference[] }) {
  if (differences.length === 0) {
    return (
      <Text size="sm" c="dimmed">
        {t('No differences.')}
      </Text>
    );
  }
  return (
    <Stack gap="sm">
      {differences.map((difference) => (
        <DifferenceView key={`${difference.part} ${difference.name}`} difference={difference} />
      ))}
    </Stack>
  );
}

const COLOR_BY_CHANGE: Record<Difference['change'], string> = { added: 'teal', removed: 'red', changed: 'blue' };

const CHANGES: Record<Difference['change'], string> = {
  added: t('added'),
  removed: t('removed'),
  changed: t('changed'),
};
function DifferenceView({ difference }: { difference: Difference }) {
  const { part, name, change, fields = [] } = difference;
  return (
    <div data-testid="difference">
      <Group gap="xs">
        <Badge
          color={COLOR_BY_CHANGE[change]}
          variant="light"
          radius="sm"
          tt="none"
          style={{ ['--badge-color' as string]: getTextColor(COLOR_BY_CHANGE[change]) }}
        >
          {CHANGES[change] ?? change}{' '}
        </Badge>
        <Text component="span" size="sm">
          {part} <span className="name">{name}</span>
        </Text>
      </Group>
      {fields.map(({ field, from, to }) => {
        const key = YAML_KEY_BY_FIELD[field] ?? field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
        // Within a long text, the changed words are looked for.
        if (isLong(from) && isLong(to))
          return <TextDiff key={field} name={key} label={`${part} ${name} ${key}`} before={from} after={to} />;
        return (
          <div key={field} className="change">
            <Text component="span" size="sm" c="dimmed" className="break">
              {key}
            </Text>
            <del>{formatAsWritten(from)}</del>
            <ins>{formatAsWritten(to)}</ins>
          </div>
        );
      })}
    </div>
  );
}

/** Characters from which two texts are compared by words. */
const LONG_CHARS = 120;

const isLong = (value: Json): value is string => typeof value === 'string' && value.length >= LONG_CHARS;

/** YAML keys of the rule fields that have a different name in the API. */
const YAML_KEY_BY_FIELD: Readonly<Record<string, string>> = {
  limits: 'limit',
  actions: 'do',
  audience: 'for',
  changes: 'on',
};

/** Formats a value as written in the catalog if its text is stored, else as JSON. Null and an empty list are "none". */
function formatAsWritten(value: Json): string {
  if (value === null) return t('none');
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return value.length === 0 ? t('none') : value.map(formatAsWritten).join(', ');
  if (typeof value === 'object' && typeof value.text === 'string') return value.text;
  return JSON.stringify(value);
}
