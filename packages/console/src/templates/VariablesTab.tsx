import type { CompletionSource } from '@codemirror/autocomplete';
import { Skeleton, Stack, Text, TextInput } from '@mantine/core';
import type { TemplateField } from '@tidings/client/types';
import { useState } from 'react';
import { IconAlert, IconCheck, IconCircle } from '../shell/icons.tsx';
import type { Look } from '../shell/outcome.ts';
import { StatusBadge } from '../shell/StatusBadge.tsx';
import { t } from '../text/text.ts';

const STATES: Record<TemplateField['state'], Look> = {
  used: { label: t('Shown'), color: 'teal', Icon: IconCheck },
  unused: { label: t('Not shown'), color: 'gray', Icon: IconCircle },
  missing: { label: t('Not declared'), color: 'orange', Icon: IconAlert },
};

const TYPES: Record<NonNullable<TemplateField['type']>, string> = {
  text: t('text'),
  number: t('number'),
  boolean: t('true or false'),
  list: t('list'),
  object: t('object'),
};

interface VariablesTabProps {
  /** Undefined before they are known. */
  readonly fields: readonly TemplateField[] | undefined;
  /** Inserts a text at the cursor of the editor. Undefined: nothing can be inserted. */
  readonly onInsert: ((text: string) => void) | undefined;
}

/** Fields that the templates of a type show and could show, with their types by the schemas. */
export function VariablesTab({ fields, onInsert }: VariablesTabProps) {
  const [search, setSearch] = useState('');
  if (fields === undefined) return <Skeleton height={160} />;
  const found = fields.filter(({ path }) => path.toLowerCase().includes(search.trim().toLowerCase()));
  return (
    <Stack gap="sm">
      <TextInput
        label={t('Find a variable')}
        value={search}
        onChange={(event) => setSearch(event.currentTarget.value)}
        autoComplete="off"
        data-testid="variable-search"
      />
      {onInsert && (
        <Text size="xs" c="dimmed">
          {t('A click inserts it at the cursor.')}
        </Text>
      )}
      <ul className="variables" data-testid="variables">
        {found.map((field) => (
          <li key={field.path} data-state={field.state}>
            <div className="variable-head">
              {onInsert ? (
                <button type="button" className="link-button name" onClick={() => onInsert(toMustache(field))}>
                  {field.path}
                </button>
              ) : (
                <span className="name">{field.path}</span>
              )}
              <Text size="xs" c="dimmed" component="span">
                {field.type === null ? t('any value') : TYPES[field.type]}
                {field.format !== undefined && ` (${field.format})`}
              </Text>
              <StatusBadge look={STATES[field.state]} />
            </div>
            {field.problem !== undefined && (
              <Text size="sm" className="break">
                {field.problem}
              </Text>
            )}
            {field.shown_by.length > 0 && (
              <Text size="xs" c="dimmed" className="break">
                {field.shown_by.join(', ')}
              </Text>
            )}
          </li>
        ))}
      </ul>
      {found.length === 0 && (
        <Text size="sm" c="dimmed">
          {t('None')}
        </Text>
      )}
    </Stack>
  );
}

/** Returns the source that shows a field: a list, or a field of its items, is repeated. */
function toMustache({ path, type }: TemplateField): string {
  const [list, item] = path.split('[]', 2);
  if (item !== undefined) return `{{#each ${list}}}{{this${item}}}{{/each}}`;
  return type === 'list' ? `{{#each ${path}}}{{this}}{{/each}}` : `{{${path}}}`;
}

/** Returns what completes a name within `{{…}}`. */
export function toFieldSource(fields: readonly TemplateField[]): CompletionSource {
  const options = fields
    .filter(({ state }) => state !== 'missing')
    .map(({ path, type, state }) => ({
      label: path,
      type: 'property',
      boost: state === 'used' ? 1 : 0,
      ...(type !== null && { detail: TYPES[type] }),
    }));
  return (context) => {
    const word = context.matchBefore(/[\w.@[\]-]*/);
    if (!word || (word.from === word.to && !context.explicit)) return null;
    const before = context.state.sliceDoc(Math.max(0, word.from - 200), word.from);
    if (before.lastIndexOf('{{') <= before.lastIndexOf('}}')) return null;
    return { from: word.from, options, validFor: /^[\w.@[\]-]*$/ };
  };
}
