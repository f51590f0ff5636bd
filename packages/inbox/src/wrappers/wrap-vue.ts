import { type FunctionalComponent, h } from 'vue';

type Values = { readonly [name: string]: unknown };
type Slots = Parameters<FunctionalComponent>[1]['slots'];

/** A functional component of Vue 3, which passes further attributes on. */
export type Wrapper<Props> = FunctionalComponent<Props>;

/**
 * Returns a component for an element, for Vue 3: attributes as attributes (`^name`), properties as properties (`.name`), and events.
 * @param events the name of the event by that of its handler
 */
export function wrap<Props>(
  tag: string,
  attributes: readonly string[],
  properties: readonly string[],
  events: { readonly [handler: string]: string },
): Wrapper<Props> {
  const component = (props: Values, { slots }: { readonly slots: Slots }) => {
    const given: { [name: string]: unknown } = {};
    for (const name of attributes) if (props[toCamel(name)] !== undefined) given[`^${name}`] = props[toCamel(name)];
    for (const name of properties) if (props[name] !== undefined) given[`.${name}`] = props[name];
    // Vue makes `tidings-item-click` of `onTidings-item-click`, and keeps its case and hyphens.
    for (const [handler, name] of Object.entries(events))
      if (props[handler]) given[`onTidings${name.slice('tidings'.length)}`] = props[handler];
    return h(tag, given, slots.default?.());
  };
  const names = [...attributes.map(toCamel), ...properties, ...Object.keys(events)];
  return Object.assign(component, { props: names, inheritAttrs: true }) as unknown as Wrapper<Props>;
}

function toCamel(name: string): string {
  return name.replace(/-(\w)/g, (_all, letter: string) => letter.toUpperCase());
}
