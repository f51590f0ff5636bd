import { Code } from '@mantine/core';
import type { ReactNode } from 'react';
import type { CatalogRule } from '../api/types.ts';
import { T } from '../text/T.tsx';
import { t } from '../text/text.ts';
import { formatDuration } from './duration.ts';
import { IconClock, IconFilter, IconGauge, IconHistory, IconKey, IconSend, IconSplit, IconWand } from './icons.tsx';
import { IconLightning } from './page-icons.tsx';
import { formatDebounce, formatDigest, formatSchedule } from './rule-waits.ts';

/** Key of a rule with its value. */
export interface RulePart {
  /** As the catalog writes it. */
  readonly key: string;
  readonly label: string;
  readonly Icon: typeof IconLightning;
  readonly words: ReactNode;
}

/** Returns the parts of a rule in the order of evaluation, without those left to their defaults. */
export function buildRuleParts(rule: CatalogRule): RulePart[] {
  const parts = [
    ...buildTriggerParts(rule),
    ...buildConditionParts(rule),
    ...buildWaitParts(rule),
    ...buildLimitParts(rule),
    ...buildActionParts(rule),
  ];
  return parts.flatMap(([key, Icon, words]) => (words ? [{ key, label: formatKey(key), Icon, words }] : []));
}

/** Returns every notification type that a rule can send, without repetitions. */
export function listTypes({ notify, choose = [], split = [] }: CatalogRule): string[] {
  return [...new Set([...notify, ...[...choose, ...split].flatMap((branch) => branch.notify)])];
}

/** Names, joined by "or" or "and". */
export function List({ items, word }: { items: readonly string[]; word: 'or' | 'and' }) {
  const names = items.map((item) => (
    <span key={item} className="name">
      {item}
    </span>
  ));
  return word === 'or' ? <Either parts={names} /> : <All parts={names} />;
}

function Either({ parts }: { parts: readonly ReactNode[] }) {
  if (parts.length < 2) return parts[0];
  return <T text="{before} or {last}" values={{ before: <Either parts={parts.slice(0, -1)} />, last: parts.at(-1) }} />;
}

function All({ parts }: { parts: readonly ReactNode[] }) {
  if (parts.length < 2) return parts[0];
  return <T text="{before} and {last}" values={{ before: <All parts={parts.slice(0, -1)} />, last: parts.at(-1) }} />;
}

/** A part without words is omitted: the rule does not set it. */
type Part = readonly [key: string, Icon: typeof IconLightning, words: ReactNode];

/** Returns a key of the catalog in words: one text for all, because a single word such as "on" does not say what it is about. */
function formatKey(key: string): string {
  return t(
    '{key, select, on {On} every {Every} audience {For} zone {Zone} key {Key} after {After} count {Count} when {When} recheck {Recheck} unless {Unless} delay {Delay} at {At} if_past {If past} if_missing {If missing} debounce {Debounce} digest {Digest} cancel_on {Cancel on} again {Again} expires {Expires} limit {Limit} group {Group} split {Split} choose {Choose} channels {Channels} data {Data} do {Do} other {{key}}}',
    { key },
  );
}

function buildTriggerParts({ on, about, changes, every, audience, zone, key }: CatalogRule): Part[] {
  const triggers = [
    ...(on.length > 0 ? [<Events key="on" on={on} about={about} />] : []),
    ...(changes ?? []).map((change) => <Change key={`${change.trait} ${JSON.stringify(change.to)}`} change={change} />),
  ];
  return [
    ['on', IconLightning, triggers.length > 0 && <Either parts={triggers} />],
    ['every', IconClock, every && formatSchedule(every.text)],
    ['audience', IconFilter, renderCode(audience)],
    ['zone', IconClock, zone !== 'UTC' && zone],
    ['key', IconKey, renderCode(key)],
  ];
}

function Events({ on, about }: { on: CatalogRule['on']; about: CatalogRule['about'] | undefined }) {
  const events = <List items={on} word="or" />;
  if (!about) return events;
  return <T text="{events} of {subjects}" values={{ events, subjects: <List items={about} word="or" /> }} />;
}

function Change({ change: { trait, to } }: { change: NonNullable<CatalogRule['changes']>[number] }) {
  const name = <span className="name">{trait}</span>;
  if (to === undefined) return <T text="{name} changes" values={{ name }} />;
  return <T text="{name} becomes {value}" values={{ name, value: JSON.stringify(to) }} />;
}

function buildConditionParts({ after, count, when, recheck, unless }: CatalogRule): Part[] {
  return [
    ['after', IconHistory, after.length > 0 && <Steps steps={after} />],
    ['count', IconHistory, count && <Count count={count} />],
    ['when', IconFilter, renderCode(when)],
    ['recheck', IconFilter, !recheck && t('not when the wait ends')],
    ['unless', IconHistory, unless && <Unless unless={unless} />],
  ];
}

function Count({ count: { how, n, of, window, same } }: { count: NonNullable<CatalogRule['count']> }) {
  const values = {
    how,
    n,
    events: <List items={of} word="or" />,
    window: window.text,
    isSince: String(window.kind === 'since'),
  };
  return (
    <Same same={same}>
      <T
        text="{how, select, at_least {at least} at_most {at most} other {exactly}} {n} of {events} {isSince, select, true {{window}} other {within {window}}}"
        values={values}
      />
    </Same>
  );
}

function Unless({ unless }: { unless: NonNullable<CatalogRule['unless']> }) {
  const values = { events: <List items={unless.events} word="or" />, time: unless.withinText };
  return (
    <Same same={unless.same}>
      {unless.atLeast > 1 ? (
        <T text="{n} or more of {events} within {time}" values={{ ...values, n: unless.atLeast }} />
      ) : (
        <T text="{events} within {time}" values={values} />
      )}
    </Same>
  );
}

function buildWaitParts({
  delay,
  at,
  ifPast,
  ifMissing,
  cancelOn,
  again,
  debounce,
  digest,
  expires,
}: CatalogRule): Part[] {
  const usual = at?.field === undefined ? 'beside' : 'restart';
  return [
    ['delay', IconClock, delay?.text],
    ['at', IconClock, renderCode(at?.text)],
    ['if_past', IconClock, at && ifPast !== 'skip' && ifPast],
    ['if_missing', IconClock, at && ifMissing !== 'skip' && ifMissing],
    ['debounce', IconClock, debounce && formatDebounce(debounce)],
    ['digest', IconClock, digest && formatDigest(digest)],
    ['cancel_on', IconClock, cancelOn.length > 0 && <List items={cancelOn} word="or" />],
    ['again', IconClock, again !== usual && again],
    ['expires', IconClock, expires !== undefined && formatDuration(expires)],
  ];
}

function buildLimitParts({ limits, group }: CatalogRule): Part[] {
  return [
    ['limit', IconGauge, limits.length === 0 ? t('none') : limits.join(', ')],
    ['group', IconGauge, group && <span className="name">{group}</span>],
  ];
}

function buildActionParts({ split, choose, channels, data, actions }: CatalogRule): Part[] {
  return [
    ['split', IconSplit, split?.map(({ name, share }) => `${name} ${share}%`).join(', ')],
    [
      'choose',
      IconSplit,
      choose?.map(({ when, notify }, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a branch has no other identity than its place
        <div key={index}>
          {when === undefined ? t('otherwise') : renderCode(when)} →{' '}
          {notify.length === 0 ? t('none') : <List items={notify} word="and" />}
        </div>
      )),
    ],
    ['channels', IconSend, channels?.join(', ')],
    ['data', IconWand, data && <Values values={data} />],
    [
      'do',
      IconWand,
      actions.length > 0 &&
        actions.map((action, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: an action has no other identity than its place
          <Action key={index} action={action} />
        )),
    ],
  ];
}

function Steps({ steps }: { steps: CatalogRule['after'] }) {
  const [only] = steps;
  if (steps.length === 1 && only) {
    const values = { event: <span className="name">{only.event}</span>, time: only.within };
    return (
      <Same same={only.same}>
        <T text="within {time} after {event}" values={values} />
      </Same>
    );
  }
  return steps.map(({ event, within, same }, index) => {
    const step = (
      <Same same={same}>
        <span className="name">{event}</span>
      </Same>
    );
    return (
      // biome-ignore lint/suspicious/noArrayIndexKey: a step has no other identity than its place
      <div key={index}>
        <T text="{step}, then within {time}" values={{ step, time: within }} />
      </div>
    );
  });
}

/** A condition, with what is the same in all its events if the rule says so. */
function Same({ same, children }: { same: string | undefined; children: ReactNode }) {
  if (same === undefined) return children;
  return <T text="{condition}, same {key}" values={{ condition: children, key: renderCode(same) }} />;
}

function Action({ action }: { action: CatalogRule['actions'][number] }) {
  switch (action.kind) {
    case 'set':
      return (
        <div>
          <T
            text="set {trait} to {value}"
            values={{ trait: <span className="name">{action.trait}</span>, value: renderCode(action.value) }}
          />
        </div>
      );
    case 'emit':
      return (
        <div>
          <T text="emit {event}" values={{ event: <span className="name">{action.event}</span> }} />
          <Values values={action.properties} />
        </div>
      );
    case 'cancel':
      return (
        <div>
          <T text="cancel {rule}" values={{ rule: <span className="name">{action.rule}</span> }} />
        </div>
      );
  }
}

/** Named expressions, one per line. */
function Values({ values }: { values: { readonly [name: string]: string } }) {
  return Object.entries(values).map(([name, value]) => (
    <div key={name}>
      {name}: {renderCode(value)}
    </div>
  ));
}

function renderCode(expression: string | undefined): ReactNode {
  return expression !== undefined && <Code>{expression}</Code>;
}
