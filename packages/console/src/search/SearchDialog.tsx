import { useComputedColorScheme, useMantineColorScheme } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import type { SearchResults } from '@tidings/client/types';
import { type KeyboardEvent, useEffect, useId, useRef, useState } from 'react';
import { search } from '../api/overview.ts';
import { announce } from '../shell/announce.tsx';
import { Dialog } from '../shell/Dialog.tsx';
import { ProblemView } from '../shell/ProblemView.tsx';
import { useMenu } from '../shell/use-menu.ts';
import { setZone, useZone, VIEWER_ZONE } from '../shell/zone.ts';
import { T } from '../text/T.tsx';
import { t, toInner } from '../text/text.ts';
import { findPages, type Hit, KINDS, type Kind, toHits } from './hits.ts';

const PAUSE_MS = 200;

/** One box for everything: users, events, messages, waits, rules, types, templates, pages and commands. */
export function SearchDialog({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  // The chosen result may open another page, whose heading gets the focus.
  const [isChosen, setChosen] = useState(false);
  const choose = (hit: Hit) => {
    setChosen(true);
    onClose();
    hit.run();
  };
  const close = () => {
    setChosen(false);
    onClose();
  };
  return (
    <Dialog opened={opened} onClose={close} title={t('Search')} size="lg" returnFocus={!isChosen}>
      <SearchBox onChoose={choose} />
    </Dialog>
  );
}

/** The field and its list: a combobox whose list is always there. */
function SearchBox({ onChoose: run }: { onChoose: (hit: Hit) => void }) {
  const [text, setText] = useState('');
  const [chosen, setChosen] = useState<string | null>(null);
  /** The text for which Enter was pressed before its results were there. */
  const [awaited, setAwaited] = useState<string | null>(null);
  const id = useId();
  const wanted = text.trim();
  const { hits, answer, isReady, error } = useHits(wanted, awaited !== null);
  const active = hits.find(({ key }) => key === chosen) ?? hits[0];
  useEffect(() => {
    if (awaited === null || awaited !== wanted || !isReady) return;
    setAwaited(null);
    if (hits[0]) run(hits[0]);
  });
  const move = (steps: number) => {
    if (active === undefined) return;
    const at = (hits.indexOf(active) + steps + hits.length) % hits.length;
    setChosen(hits[at]?.key ?? null);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 }[event.key];
    if (steps !== undefined) {
      event.preventDefault();
      move(Math.abs(steps) === 1 ? steps : clampSteps(hits, active, steps));
    } else if (event.key === 'Enter') {
      event.preventDefault();
      if (active && (isReady || chosen !== null)) run(active);
      else if (!isReady) setAwaited(wanted);
    }
  };
  return (
    <div className="search-box">
      <input
        className="search-field"
        data-autofocus
        data-testid="search-field"
        role="combobox"
        aria-label={t('Search')}
        aria-expanded
        aria-autocomplete="list"
        aria-controls={`${id}list`}
        {...(active && { 'aria-activedescendant': toOptionId(id, active) })}
        placeholder={t('Id, email address, phone number, key, rule, page …')}
        autoComplete="off"
        spellCheck={false}
        maxLength={320}
        value={text}
        onChange={({ currentTarget }) => {
          setText(currentTarget.value);
          setChosen(null);
          setAwaited(null);
        }}
        onKeyDown={onKeyDown}
      />
      {error && <ProblemView problem={error} />}
      <Options id={id} hits={hits} active={active} onChoose={run} onPoint={({ key }) => setChosen(key)} />
      <SearchEnd wanted={wanted} count={hits.length} answer={answer} isReady={isReady} />
    </div>
  );
}

/** Returns the steps that stay within the list. */
function clampSteps(hits: readonly Hit[], active: Hit | undefined, steps: number): number {
  const at = active ? hits.indexOf(active) : 0;
  return Math.min(hits.length - 1, Math.max(0, at + steps)) - at;
}

/** Returns what is found for a text. `isUrgent`: it is asked for at once. `isReady`: nothing more comes. */
function useHits(wanted: string, isUrgent: boolean) {
  const { setColorScheme } = useMantineColorScheme();
  const isDark = useComputedColorScheme('light') === 'dark';
  const zone = useZone();
  const [paused] = useDebouncedValue(wanted, PAUSE_MS);
  const asked = isUrgent ? wanted : paused;
  const found = useQuery({
    queryKey: ['search', asked],
    queryFn: () => search(asked),
    enabled: asked !== '',
    staleTime: 10_000,
    // Nothing of what was looked for stays.
    gcTime: 0,
  });
  const pages = findPages(wanted, useMenu(), {
    copyLink: () =>
      void navigator.clipboard.writeText(location.href).then(
        () => announce(t('The link is copied.')),
        () => announce(t('The link could not be copied.')),
      ),
    toggleScheme: () => setColorScheme(isDark ? 'light' : 'dark'),
    toggleZone: () => setZone(zone === 'UTC' ? VIEWER_ZONE : 'UTC'),
  });
  const answer = asked === wanted && wanted !== '' ? found.data : undefined;
  const begins = ({ label }: Hit) => label.toLowerCase().startsWith(wanted.toLowerCase());
  return {
    hits:
      wanted === ''
        ? pages
        : [...pages.filter(begins), ...(answer ? toHits(answer) : []), ...pages.filter((page) => !begins(page))],
    answer,
    isReady: wanted === '' || answer !== undefined || found.error !== null,
    error: asked === wanted ? found.error : null,
  };
}

const toOptionId = (id: string, { key }: Hit): string => `${id}${encodeURIComponent(key)}`;

interface OptionsProps {
  readonly id: string;
  readonly hits: readonly Hit[];
  readonly active: Hit | undefined;
  readonly onChoose: (hit: Hit) => void;
  readonly onPoint: (hit: Hit) => void;
}

/** The list, in groups. The field keeps the focus. */
function Options({ id, hits, active, onChoose, onPoint }: OptionsProps) {
  const list = useRef<HTMLDivElement>(null);
  const activeId = active && toOptionId(id, active);
  useEffect(() => {
    if (activeId !== undefined) document.getElementById(activeId)?.scrollIntoView({ block: 'nearest' });
  }, [activeId]);
  const groups = [...new Set(hits.map(({ group }) => group))];
  return (
    <div ref={list} id={`${id}list`} role="listbox" aria-label={t('Results')} className="search-list">
      {groups.map((group) => (
        // biome-ignore lint/a11y/useSemanticElements: a group of options; a fieldset has no place in a listbox.
        <div key={group} role="group" aria-label={group}>
          <p className="rail-title" aria-hidden="true">
            {group}
          </p>
          {hits
            .filter((hit) => hit.group === group)
            .map((hit) => (
              // biome-ignore lint/a11y/useFocusableInteractive: the field has the focus, and names the active option.
              // biome-ignore lint/a11y/useKeyWithClickEvents: the field handles the keys.
              <div
                key={hit.key}
                id={toOptionId(id, hit)}
                role="option"
                aria-selected={hit === active}
                className="search-option"
                data-testid="search-option"
                onMouseMove={() => hit !== active && onPoint(hit)}
                onClick={() => onChoose(hit)}
              >
                <hit.Icon size={18} className="quiet" />
                <span className="search-option-label">{hit.label}</span>
                <span className="search-option-note">{hit.note}</span>
              </div>
            ))}
        </div>
      ))}
    </div>
  );
}

interface SearchEndProps {
  readonly wanted: string;
  readonly count: number;
  readonly answer: SearchResults | undefined;
  readonly isReady: boolean;
}

/** Number of results and, without any, the places that were searched. */
function SearchEnd({ wanted, count, answer, isReady }: SearchEndProps) {
  return (
    <div className="search-end">
      <p role="status" data-testid="search-status">
        {!isReady && t('Searching …')}
        {isReady &&
          wanted !== '' &&
          (count === 0 ? t('Nothing is found for “{wanted}”.', { wanted }) : t('{count, number} found.', { count }))}
      </p>
      {isReady && count === 0 && answer && (
        <>
          <p>{t('Searched:')}</p>
          <ul data-testid="searched">
            {answer.searched.map((kind) => (
              <li key={kind}>{KINDS[kind]?.by ?? kind}</li>
            ))}
            <li>{t('pages and commands by their name')}</li>
          </ul>
        </>
      )}
      {answer?.not_searched.map(({ kind, scope }) => (
        <p key={kind}>
          <T
            text="Not searched: {kind}, which needs {scope}."
            values={{ kind: nameKind(kind), scope: <span className="name">{scope}</span> }}
          />
        </p>
      ))}
      {answer?.partly_searched.includes('user') && (
        <p>{t('There are too many users to look at every id: one that only has this in its middle may be missing.')}</p>
      )}
      {answer && answer.has_more.length > 0 && (
        <p>{t('There are more {kinds}.', { kinds: answer.has_more.map(nameKind).join(', ') })}</p>
      )}
    </div>
  );
}

/** Returns the name of a kind inside a sentence; of a newer API the kind itself. */
function nameKind(kind: Kind): string {
  const known: { readonly [kind: string]: { readonly group: string } } = KINDS;
  const group = known[kind]?.group;
  return group === undefined ? kind : toInner(group);
}
