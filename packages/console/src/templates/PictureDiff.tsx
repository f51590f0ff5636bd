import { Stack, Text } from '@mantine/core';
import type { Preview } from '@tidings/client/types';
import { type RefObject, useEffect, useMemo, useRef } from 'react';
import { Runs } from '../catalog/TextDiff.tsx';
import { describeBlock, listBlocks, parsePage, printPage } from '../message/message-page.ts';
import { diffLines } from '../rules/unified-diff.ts';
import { diffWords } from '../rules/word-diff.ts';
import { t } from '../text/text.ts';

type Message = Preview['message'] | undefined;

interface PictureDiffProps {
  readonly before: Message;
  readonly after: Message;
  /** Names of the two. */
  readonly names: readonly [string, string];
}

/** Two messages beside each other: their words with what differs, and their HTML with what differs outlined. */
export function PictureDiff({ before, after, names }: PictureDiffProps) {
  return (
    <Stack gap="sm" data-testid="picture-diff">
      <Words label={t('Subject')} before={before?.subject} after={after?.subject} />
      <Words label={t('Title')} before={before?.title} after={after?.title} />
      {before?.html !== undefined && after?.html !== undefined ? (
        <Frames before={before.html} after={after.html} names={names} />
      ) : (
        <Words label={t('Text')} before={before?.text} after={after?.text} />
      )}
    </Stack>
  );
}

function Words({
  label,
  before = '',
  after = '',
}: {
  label: string;
  before?: string | undefined;
  after?: string | undefined;
}) {
  const runs = useMemo(() => diffWords(before, after), [before, after]);
  if (before === '' && after === '') return null;
  return (
    <div>
      <Text size="sm" c="dimmed">
        {label}
      </Text>
      <div className="message-text words">
        <Runs runs={runs} />
      </div>
    </div>
  );
}

/** No script, no request: of the page itself, beside what the sandbox and the page around it forbid. */
const POLICY = [
  ['default-src', "'none'"],
  ['style-src', "'unsafe-inline'"],
  ['img-src', 'data:'],
]
  .map((directive) => directive.join(' '))
  .join(';');
const REMOVED = ['script', 'iframe', 'frame', 'object', 'embed', 'link', 'base', 'meta[http-equiv]'].join(',');
const OUTLINE =
  '[data-differs]{outline-width:3px!important;outline-style:solid!important;outline-color:#d9480f!important;outline-offset:1px}';

/** Both pages scroll together. The sandbox lets this page see them for that; it runs no script in them. */
function Frames({ before, after, names }: { before: string; after: string; names: readonly [string, string] }) {
  const { sources, count } = useMemo(() => markDifferences(before, after), [before, after]);
  const left = useRef<HTMLIFrameElement>(null);
  const right = useRef<HTMLIFrameElement>(null);
  useScrollTogether(left, right);
  return (
    <>
      <Text size="sm" role="status" data-testid="differing-blocks">
        {t(
          '{count, plural, =0 {No block differs.} one {# block differs; it is outlined.} other {# blocks differ; they are outlined.}}',
          { count },
        )}
      </Text>
      <div className="picture-diff">
        <figure>
          <figcaption>{names[0]}</figcaption>
          <Frame frame={left} title={t('Before: {name}', { name: names[0] })} source={sources[0]} />
        </figure>
        <figure>
          <figcaption>{names[1]}</figcaption>
          <Frame frame={right} title={t('After: {name}', { name: names[1] })} source={sources[1]} />
        </figure>
      </div>
    </>
  );
}

type FrameRef = RefObject<HTMLIFrameElement | null>;

function Frame({ frame, title, source }: { frame: FrameRef; title: string; source: string }) {
  return (
    <iframe
      ref={frame}
      className="message-frame"
      data-testid="diff-frame"
      title={title}
      sandbox="allow-same-origin"
      srcDoc={source}
      referrerPolicy="no-referrer"
    />
  );
}

/** Returns both pages with what differs marked, and how many blocks do. */
function markDifferences(before: string, after: string) {
  const pages = [parsePage(before), parsePage(after)] as const;
  for (const page of pages) for (const one of page.querySelectorAll(REMOVED)) one.remove();
  const blocks = pages.map(listBlocks) as [readonly Element[], readonly Element[]];
  const places: [number, number] = [0, 0];
  let count = 0;
  for (const { sign } of diffLines(blocks[0].map(describeBlock), blocks[1].map(describeBlock))) {
    const sides: readonly (0 | 1)[] = sign === ' ' ? [0, 1] : sign === '-' ? [0] : [1];
    for (const side of sides) {
      const block = blocks[side][places[side]++];
      if (sign === ' ') continue;
      block?.setAttribute('data-differs', '');
      count++;
    }
  }
  for (const page of pages) {
    const policy = page.createElement('meta');
    policy.setAttribute('http-equiv', 'Content-Security-Policy');
    policy.setAttribute('content', POLICY);
    const style = page.createElement('style');
    style.textContent = OUTLINE;
    page.head.prepend(policy, style);
  }
  return { sources: [printPage(pages[0]), printPage(pages[1])] as const, count };
}

function useScrollTogether(left: FrameRef, right: FrameRef): void {
  useEffect(() => {
    const frames = [left.current, right.current] as const;
    const stops = frames.map((frame, index) => {
      const other = frames[1 - index];
      const listen = () => {
        const view = frame?.contentWindow;
        view?.addEventListener('scroll', () => {
          const page = other?.contentWindow;
          // A page that stands there already sends no event back.
          if (page && page.scrollY !== view.scrollY) page.scrollTo(view.scrollX, view.scrollY);
        });
      };
      frame?.addEventListener('load', listen);
      listen();
      return () => frame?.removeEventListener('load', listen);
    });
    return () => {
      for (const stop of stops) stop();
    };
  }, [left, right]);
}
