import { Text } from '@mantine/core';
import type { JsonObject } from '@tidings/client/types';
import { Fragment } from 'react';
import { t } from '../text/text.ts';

/** Named values, one per line. Values are rendered as text, never as HTML. */
export function Fields({ values }: { values: JsonObject }) {
  const entries = Object.entries(values);
  if (entries.length === 0) {
    return (
      <Text size="sm" c="dimmed">
        {t('None')}
      </Text>
    );
  }
  return (
    <dl className="fields">
      {entries.map(([name, value]) => (
        <Fragment key={name}>
          <dt>{name}</dt>
          <dd>{formatValue(value)}</dd>
        </Fragment>
      ))}
    </dl>
  );
}

/** Formats a value for display: text without quotes, other values as JSON, undefined as a dash. */
export function formatValue(value: JsonObject[string] | undefined): string {
  if (value === undefined) return '–';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
