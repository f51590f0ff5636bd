import { Button, Group, Popover, Text, TextInput, VisuallyHidden } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { openLink } from '../route.ts';
import { announce } from '../shell/announce.tsx';
import { IconFilter } from '../shell/icons.tsx';
import { IconCopy } from '../shell/page-icons.tsx';
import { Time } from '../shell/Time.tsx';
import { toShared } from '../tenant-links.ts';
import { T } from '../text/T.tsx';
import { formatCount, t } from '../text/text.ts';
import {
  type FieldValue,
  type Filter,
  type FilterField,
  OFFERED_SPANS,
  parseTyped,
  toQuery,
  withTimes,
} from './filter.ts';
import { useSavedViews } from './saved-views.ts';

interface FilterBarProps {
  /** Under which views are kept. */
  readonly page: string;
  /** Path of the page. */
  readonly path: string;
  readonly fields: readonly FilterField[];
  readonly filter: Filter;
  /** Whether the counts are lower bounds. */
  readonly atLeast?: boolean;
  /** Whether the filter has a time. */
  readonly hasTime?: boolean;
  /** Fields of which one at a time may be chosen. */
  readonly oneOf?: readonly string[];
  /** Called with the name of a field whose values are to be chosen from. */
  readonly onOpen?: (field: string) => void;
}

/** The filter of a list: chips that are typed or chosen, all of them in the address; views with a name, and a link to copy. */
export function FilterBar(props: FilterBarProps) {
  const { page, path, fields, filter, atLeast = false, hasTime = true, oneOf = [], onOpen } = props;
  const [text, setText] = useState('');
  const [problem, setProblem] = useState<string | null>(null);
  const toLink = (change: Filter) => {
    const excludes = oneOf.some((name) => change[name] != null);
    const cleared = excludes ? Object.fromEntries(oneOf.map((name) => [name, null])) : {};
    return `${path}${toQuery({ ...filter, ...cleared, ...change })}`;
  };
  const submit = () => {
    const typed = parseTyped(text, { fields, hasTime, now: Date.now() });
    setProblem('problem' in typed ? typed.problem : null);
    if ('problem' in typed) return;
    setText('');
    openLink(toLink(typed.change));
  };
  return (
    <div className="filter-bar" data-testid="filter-bar">
      <Group gap={6} align="flex-start">
        <form
          className="filter-typed"
          onSubmit={(event) => {
            event.preventDefault();
            submit();
          }}
        >
          <TextInput
            size="xs"
            aria-label={t('Filter')}
            placeholder={`${fields.map(({ name }) => `${name}:…`).join(' ')}${hasTime ? ' since:2h' : ''}`}
            leftSection={<IconFilter size={14} />}
            value={text}
            onChange={(event) => setText(event.currentTarget.value)}
            error={problem}
            spellCheck={false}
            autoComplete="off"
            data-testid="filter-text"
          />
        </form>
        {fields.map(({ name, label, values, toLabel, hasMenu = true }) =>
          values === null || !hasMenu ? null : (
            <Menu key={name} label={label} testId={`filter-${name}`} onOpen={() => onOpen?.(name)}>
              {(close) => (
                <Values
                  values={values}
                  atLeast={atLeast}
                  toLabel={toLabel}
                  toLink={(value) => toLink({ [name]: value })}
                  close={close}
                />
              )}
            </Menu>
          ),
        )}
        {hasTime && (
          <Menu label={t('Time')} testId="filter-time">
            {(close) => (
              <Values values={OFFERED_SPANS} toLink={(since) => toLink({ since, until: null })} close={close} />
            )}
          </Menu>
        )}
        <Views page={page} path={path} query={toQuery(filter)} />
        <Button
          size="xs"
          variant="subtle"
          leftSection={<IconCopy size={14} />}
          onClick={() => copyLink(`${path}${toQuery(withTimes(filter, Date.now()))}`)}
          data-testid="copy-link"
        >
          {t('Copy link')}
        </Button>
      </Group>
      <Chips fields={fields} filter={filter} toLink={toLink} path={path} />
    </div>
  );
}

/** Copies a link to this page; its times are those of now, whenever it is opened. */
async function copyLink(link: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(toShared(link));
    announce(t('Link copied. Its times are fixed: it shows the same span whenever it is opened.'));
  } catch {
    announce(t('The browser did not copy the link: {link}', { link: toShared(link) }));
  }
}

interface ChipsProps {
  readonly fields: readonly FilterField[];
  readonly filter: Filter;
  readonly toLink: (change: Filter) => string;
  readonly path: string;
}

function Chips({ fields, filter, toLink, path }: ChipsProps) {
  const chosen = Object.entries(filter).filter((one): one is [string, string] => one[1] !== null);
  if (chosen.length === 0) return null;
  return (
    <ul className="filter-chips" aria-label={t('Filter in use')}>
      {chosen.map(([name, value]) => {
        const field = fields.find((one) => one.name === name);
        const label = field?.values?.find((one) => one.value === value)?.label;
        return (
          <li key={name}>
            <a href={toLink({ [name]: null })} data-testid={`chip-${name}`}>
              {field?.label ?? (name === 'since' ? t('Since') : t('Until'))}:{' '}
              <strong>
                {field === undefined ? <Moment text={value} /> : (label ?? field.toLabel?.(value) ?? value)}
              </strong>{' '}
              <span aria-hidden="true">×</span>
              <VisuallyHidden>, {t('remove')}</VisuallyHidden>
            </a>
          </li>
        );
      })}
      <li>
        <a href={path} className="filter-clear" data-testid="filter-clear">
          {t('Remove all')}
        </a>
      </li>
    </ul>
  );
}

function Moment({ text }: { text: string }) {
  return /^\d+[mhd]$/.test(text) ? t('{duration} ago', { duration: text }) : <Time value={text} as="full" />;
}

interface ValuesProps {
  readonly values: readonly FieldValue[] | undefined;
  readonly atLeast?: boolean;
  readonly toLabel?: FilterField['toLabel'];
  readonly toLink: (value: string) => string;
  readonly close: () => void;
}

function Values({ values, atLeast = false, toLabel = String, toLink, close }: ValuesProps) {
  if (values === undefined || values.length === 0) {
    return (
      <Text size="sm" c="dimmed">
        {values === undefined ? t('Loading …') : t('No values.')}
      </Text>
    );
  }
  return (
    <ul className="filter-values">
      {values.map(({ value, label = toLabel(value), count }) => (
        <li key={value}>
          <a href={toLink(value)} onClick={close} data-testid="filter-value" data-value={value}>
            <span className="break">{label}</span>
            {count !== undefined && (
              <span className="filter-count">
                {formatCount(count)}
                {atLeast && '+'}
              </span>
            )}
          </a>
        </li>
      ))}
    </ul>
  );
}

interface MenuProps {
  readonly label: string;
  readonly testId: string;
  readonly onOpen?: () => void;
  readonly children: (close: () => void) => ReactNode;
}

function Menu({ label, testId, onOpen, children }: MenuProps) {
  const [opened, setOpened] = useState(false);
  return (
    <Popover opened={opened} onChange={setOpened} position="bottom-start" shadow="md" trapFocus returnFocus>
      <Popover.Target>
        <Button
          size="xs"
          variant="default"
          onClick={() => {
            if (!opened) onOpen?.();
            setOpened(!opened);
          }}
          data-testid={testId}
        >
          {label}
        </Button>
      </Popover.Target>
      <Popover.Dropdown className="filter-menu">{children(() => setOpened(false))}</Popover.Dropdown>
    </Popover>
  );
}

function Views({ page, path, query }: { page: string; path: string; query: string }) {
  const { views, save, remove } = useSavedViews(page);
  const [name, setName] = useState('');
  return (
    <Menu label={t('Views')} testId="views">
      {(close) => (
        <>
          {views.length === 0 && (
            <Text size="sm" c="dimmed">
              {t('A view is a filter with a name. This browser keeps it.')}
            </Text>
          )}
          <ul className="filter-values">
            {views.map((view) => (
              <li key={view.name} className="filter-view">
                <a href={`${path}${view.query}`} onClick={close} data-testid="view">
                  <span className="break">{view.name}</span>
                </a>
                <Button size="compact-xs" variant="subtle" onClick={() => remove(view.name)}>
                  <T
                    text="Remove<hidden> the view {name}</hidden>"
                    values={{ name: view.name, hidden: (words) => <VisuallyHidden>{words}</VisuallyHidden> }}
                  />
                </Button>
              </li>
            ))}
          </ul>
          {query !== '' && (
            <form
              onSubmit={(event) => {
                event.preventDefault();
                if (name.trim() === '') return;
                save({ name: name.trim(), query });
                setName('');
                announce(t('View saved: {name}.', { name: name.trim() }));
              }}
            >
              <Group gap={6} mt={6} wrap="nowrap">
                <TextInput
                  size="xs"
                  aria-label={t('Name of the view')}
                  placeholder={t('Name of this view')}
                  value={name}
                  maxLength={80}
                  onChange={(event) => setName(event.currentTarget.value)}
                  data-testid="view-name"
                />
                <Button size="xs" type="submit" data-testid="view-save">
                  {t('Save')}
                </Button>
              </Group>
            </form>
          )}
        </>
      )}
    </Menu>
  );
}
