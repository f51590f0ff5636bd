import { compileCondition } from '../../expressions/condition.ts';
import type { CatalogData } from '../../model/catalog.ts';
import type { Connector } from '../../model/connector.ts';
import type { Event } from '../../model/event.ts';

/** The connectors of a catalog. */
export interface Connectors {
  readonly byName: ReadonlyMap<string, Connector>;
  /** Returns the imports that an event asks for. Never throws. */
  findTriggered(event: Pick<Event, 'type' | 'properties' | 'traits'>): readonly string[];
}

interface Trigger {
  readonly name: string;
  matches(event: Pick<Event, 'properties' | 'traits'>): boolean;
}

const NONE: readonly string[] = [];

/** Compiles the connectors of a catalog; undefined: it has no connectors. @throws Error for a condition that a checked catalog never has */
export function compileConnectors({ connectors = [] }: CatalogData): Connectors | undefined {
  if (connectors.length === 0) return undefined;
  const byType = new Map<string, Trigger[]>();
  for (const connector of connectors) {
    if (connector.kind !== 'customer-import') continue;
    const { name, on, when } = connector;
    const known = byType.get(on);
    const trigger: Trigger = { name, matches: toMatcher(name, when) };
    if (known) known.push(trigger);
    else byType.set(on, [trigger]);
  }
  return {
    byName: new Map(connectors.map((connector) => [connector.name, connector])),
    findTriggered(event) {
      const triggers = byType.get(event.type);
      return triggers ? triggers.filter(({ matches }) => matches(event)).map(({ name }) => name) : NONE;
    },
  };
}

function toMatcher(name: string, when: string | undefined): Trigger['matches'] {
  if (when === undefined) return () => true;
  const compiled = compileCondition(when, { roots: ['event', 'traits'] });
  if ('problems' in compiled) throw new Error(`connector ${name}: ${compiled.problems[0]?.message}`);
  return ({ properties, traits }) =>
    compiled.condition.evaluate({ event: properties, traits, user: {} }).kind === 'true';
}
