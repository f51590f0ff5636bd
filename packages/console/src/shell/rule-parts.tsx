import { Code } from '@mantine/core';
import { Fragment, type ReactNode } from 'react';
import type { CatalogRule } from '../api/types.ts';
import { formatDuration } from './duration.ts';
import {
  IconClock,
  IconFilter,
  IconGauge,
  IconHistory,
  IconKey,
  IconLightning,
  IconSend,
  IconSplit,
  IconWand,
} from './icons.tsx';

/** Key of a rule with its value as written in the catalog. */
export interface RulePart {
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
  return parts.flatMap(([label, Icon, words]) => (words ? [{ label, Icon, words }] : []));
}

/** Returns every notification type that a rule can send, without repetitions. */
export function listTypes({ notify, choose = [], split = [] }: CatalogRule): string[] {
  return [...new Set([...notify, ...[...choose, ...split].flatMap((branch) => branch.notify)])];
}

/** Names, joined by a word such as "or". */
export function List({ items, word }: { items: readonly string[]; word: string }) {
  return items.map((item, index) => (
    <Fragment key={item}>
      {index > 0 && ` ${word} `}
      <span className="name">{item}</span>
    </Fragment>
  ));
}

/** A part without words is omitted: the rule does not set it. */
type Part = readonly [label: string, Icon: typeof IconLightning, words: ReactNode];

function buildTriggerParts({ on, about, changes = [], every, audience, zone, key }: CatalogRule): Part[] {
  return [
    [
      'On',
      IconLightning,
      (on.length > 0 || changes.length > 0) && (
        <>
          <List items={on} word="or" />
          {about && (
            <>
              {' of '}
              <List items={about} word="or" />
            </>
          )}
          {changes.map(({ trait, to }, index) => (
            <Fragment key={`${trait} ${JSON.stringify(to)}`}>
              {(index > 0 || on.length > 0) && ' or '}
              <span className="name">{trait}</span> {to === undefined ? 'changes' : `becomes ${JSON.stringify(to)}`}
            </Fragment>
          ))}
        </>
      ),
    ],
    ['Every', IconClock, every?.text],
    ['For', IconFilter, renderCode(audience)],
    ['Zone', IconClock, zone !== 'UTC' && zone],
    ['Key', IconKey, renderCode(key)],
  ];
}

function buildConditionParts({ after, count, when, recheck, unless }: CatalogRule): Part[] {
  const often = unless && unless.atLeast > 1 ? `${unless.atLeast} or more of ` : '';
  return [
    ['After', IconHistory, after.length > 0 && <Steps steps={after} />],
    [
      'Count',
      IconHistory,
      count && (
        <>
          {count.how.replace('_', ' ')} {count.n} of <List items={count.of} word="or" />
          {count.window.kind === 'since' ? ` ${count.window.text}` : ` within ${count.window.text}`}
          <Same same={count.same} />
        </>
      ),
    ],
    ['When', IconFilter, renderCode(when)],
    ['Recheck', IconFilter, !recheck && 'not when the wait ends'],
    [
      'Unless',
      IconHistory,
      unless && (
        <>
          {often}
          <List items={unless.events} word="or" /> within {unless.withinText}
          <Same same={unless.same} />
        </>
      ),
    ],
  ];
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
    ['Delay', IconClock, delay?.text],
    ['At', IconClock, renderCode(at?.text)],
    ['If past', IconClock, at && ifPast !== 'skip' && ifPast],
    ['If missing', IconClock, at && ifMissing !== 'skip' && ifMissing],
    ['Debounce', IconClock, debounce && `quiet for ${debounce.text}`],
    ['Digest', IconClock, digest && formatDigest(digest)],
    ['Cancel on', IconClock, cancelOn.length > 0 && <List items={cancelOn} word="or" />],
    ['Again', IconClock, again !== usual && again],
    ['Expires', IconClock, expires !== undefined && formatDuration(expires)],
  ];
}

function buildLimitParts({ limits, group }: CatalogRule): Part[] {
  return [
    ['Limit', IconGauge, limits.length === 0 ? 'none' : limits.join(', ')],
    ['Group', IconGauge, group && <span className="name">{group}</span>],
  ];
}

function buildActionParts({ split, choose, channels, data, actions }: CatalogRule): Part[] {
  return [
    ['Split', IconSplit, split?.map(({ name, share }) => `${name} ${share}%`).join(', ')],
    [
      'Choose',
      IconSplit,
      choose?.map(({ when, notify }, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a branch has no other identity than its place
        <div key={index}>
          {when === undefined ? 'otherwise' : renderCode(when)} →{' '}
          {notify.length === 0 ? 'none' : <List items={notify} word="and" />}
        </div>
      )),
    ],
    ['Channels', IconSend, channels?.join(', ')],
    ['Data', IconWand, data && <Values values={data} />],
    [
      'Do',
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
    return (
      <>
        within {only.within} after <span className="name">{only.event}</span>
        <Same same={only.same} />
      </>
    );
  }
  return steps.map(({ event, within, same }, index) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: a step has no other identity than its place
    <div key={index}>
      <span className="name">{event}</span>
      <Same same={same} />, then within {within}
    </div>
  ));
}

function Same({ same }: { same: string | undefined }) {
  return same !== undefined && <>, same {renderCode(same)}</>;
}

function Action({ action }: { action: CatalogRule['actions'][number] }) {
  switch (action.kind) {
    case 'set':
      return (
        <div>
          set <span className="name">{action.trait}</span> to {renderCode(action.value)}
        </div>
      );
    case 'emit':
      return (
        <div>
          emit <span className="name">{action.event}</span>
          <Values values={action.properties} />
        </div>
      );
    case 'cancel':
      return (
        <div>
          cancel <span className="name">{action.rule}</span>
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

function formatDigest({ window, firstNow, keep }: NonNullable<CatalogRule['digest']>): string {
  const span = { fixed: window.text, sliding: `quiet for ${window.text}`, calendar: `at ${window.text}` }[window.kind];
  return `${span}${firstNow ? ', the first now' : ''}, keep ${keep}`;
}

function renderCode(expression: string | undefined): ReactNode {
  return expression !== undefined && <Code>{expression}</Code>;
}
