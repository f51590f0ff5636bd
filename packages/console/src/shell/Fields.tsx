import { Text } from '@mantine/core';
import { Fragment } from 'react';
import type { JsonObject } from '../api.ts';

/** Named values, one a line. Values are text, whatever they hold. */
export function Fields({ values }: { values: JsonObject }) {
  const entries = Object.entries(values);
  if (entries.length === 0) {
    return (
      <Text size="sm" c="dimmed">
        None
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

/** A value as a user reads it: text without quotes, the rest as JSON. */
export function formatValue(value: JsonObject[string] | undefined): string {
  if (value === undefined) return '–';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
