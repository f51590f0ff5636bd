import {
  createElement,
  type FunctionComponent,
  type ReactNode,
  type Ref,
  useCallback,
  useLayoutEffect,
  useRef,
} from 'react';

/** Attributes that every element may have, beside its own. */
export interface WrapperProps {
  readonly children?: ReactNode;
  readonly className?: string;
  readonly id?: string;
  readonly slot?: string;
}

export type Wrapper<Props, Element> = FunctionComponent<Props & { readonly ref?: Ref<Element> }>;

type Values = { readonly [name: string]: unknown };

/**
 * Returns a component for an element, for React 18 and 19: attributes as attributes, properties as properties, and events by listeners.
 * @param events the name of the event by that of its handler
 */
export function wrap<Props extends WrapperProps, Element>(
  tag: string,
  attributes: readonly string[],
  properties: readonly string[],
  events: { readonly [handler: string]: string },
): Wrapper<Props, Element> {
  const component = ({ children, ref, ...props }: Props & { readonly ref?: Ref<Element> }) => {
    const values = props as Values;
    const element = useRef<HTMLElement | null>(null);
    // The latest handlers, without adding and removing listeners at each rendering.
    const latest = useRef(values);
    latest.current = values;
    useLayoutEffect(() => {
      for (const name of properties)
        if (values[name] !== undefined) Object.assign(element.current ?? {}, { [name]: values[name] });
    });
    useLayoutEffect(() => {
      const { current } = element;
      const listeners = Object.entries(events).map(([handler, name]) => {
        const listener = (event: Event) => (latest.current[handler] as ((event: Event) => void) | undefined)?.(event);
        current?.addEventListener(name, listener);
        return () => current?.removeEventListener(name, listener);
      });
      return () => {
        for (const end of listeners) end();
      };
    }, []);
    const setElement = useCallback(
      (found: HTMLElement | null) => {
        element.current = found;
        if (typeof ref === 'function') ref(found as Element);
        else if (ref) (ref as { current: unknown }).current = found;
      },
      [ref],
    );
    const { className, id, slot } = values;
    const given = Object.fromEntries(attributes.map((name) => [name, values[toCamel(name)]]));
    const known = Object.fromEntries(
      Object.entries({ ...given, class: className, id, slot }).filter(([, value]) => value !== undefined),
    );
    return createElement(tag, { ...known, ref: setElement }, children);
  };
  component.displayName = tag;
  return component as Wrapper<Props, Element>;
}

function toCamel(name: string): string {
  return name.replace(/-(\w)/g, (_all, letter: string) => letter.toUpperCase());
}
