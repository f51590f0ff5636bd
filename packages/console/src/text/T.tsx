import { createElement, Fragment, type ReactNode } from 'react';
import { getMessage } from './text.ts';

/** A value in a text: a node, or for a tag the function that wraps what stands in it. */
type RichValue = ReactNode | ((children: ReactNode) => ReactNode);

interface TProps {
  /** The English text, an ICU message, written out as a literal: `The rule {rule} is <b>not</b> in the catalog.` */
  text: string;
  values: Readonly<Record<string, RichValue>>;
}

/** A text with elements in it. Without elements, `t` does. */
export function T({ text, values }: TProps) {
  const wrapped = Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, typeof value === 'function' ? wrap(value) : value]),
  );
  const parts = getMessage(text).format<ReactNode>(wrapped);
  return createElement(Fragment, null, ...(Array.isArray(parts) ? parts : [parts]));
}

function wrap(render: (children: ReactNode) => ReactNode) {
  return (children: ReactNode[]) => render(createElement(Fragment, null, ...children));
}
