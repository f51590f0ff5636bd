import { jsonText } from '../../events/content.ts';
import type { Json, JsonObject } from '../../model/event.ts';
import { documentRow, openDocument, sealDocument } from '../../privacy/documents.ts';
import { maskDocument } from '../../privacy/mask.ts';
import type { Seal } from '../../privacy/seal.ts';
import type { DigestItem, Wait, WaitState } from '../../rules/facts.ts';

/** The parts of a wait's state that come from events, and are sealed if they have addresses. */
type WaitContent = Pick<WaitState['trigger'], 'properties' | 'traits' | 'context'> &
  Pick<WaitState, 'matched' | 'items'>;

/** A wait as loaded: the contents in its state are masked, and sealed holds the originals. */
export interface StoredWait extends Wait {
  readonly sealed: Buffer | null;
}

/** Returns the state with addresses masked; the state itself if nothing in it is masked. */
export function maskState(state: WaitState): WaitState {
  const { trigger, matched, items } = state;
  const properties = maskDocument(trigger.properties);
  const traits = maskDocument(trigger.traits);
  const context = trigger.context && maskDocument(trigger.context);
  const shownMatched = matched && maskDocument(matched);
  const shownItems = items && maskItems(items);
  const isSame =
    properties === trigger.properties &&
    traits === trigger.traits &&
    context === trigger.context &&
    shownMatched === matched &&
    shownItems === items;
  if (isSame) return state;
  return {
    ...state,
    trigger: { ...trigger, properties, traits, ...(context && { context }) },
    ...(shownMatched && { matched: shownMatched }),
    ...(shownItems && { items: shownItems }),
  };
}

/** Returns the items with addresses in their contents masked; the same list if nothing in it is masked. */
export function maskItems(items: readonly DigestItem[]): readonly DigestItem[] {
  const masked = items.map((item) => {
    const event = maskDocument(item.event);
    const traits = maskDocument(item.traits);
    const variables = item.variables && maskDocument(item.variables);
    const isSame = event === item.event && traits === item.traits && variables === item.variables;
    return isSame ? item : { ...item, event, traits, ...(variables && { variables }) };
  });
  return masked.every((item, index) => item === items[index]) ? items : masked;
}

/** Seals the original contents of a wait. */
export function sealWait(seal: Seal, tenantId: string, { userId, waitId, state }: Wait): Buffer {
  const { trigger, matched, items } = state;
  const content: WaitContent = {
    properties: trigger.properties,
    traits: trigger.traits,
    ...(trigger.context && { context: trigger.context }),
    ...(matched && { matched }),
    ...(items && { items }),
  };
  return sealDocument(seal, jsonText(content as unknown as Json), documentRow('waits', tenantId, userId, waitId));
}

/** Returns a loaded wait with its original contents; with its trigger marked, if these cannot be opened. */
export function openWait(
  { seal, tenantId }: { readonly seal: Seal; readonly tenantId: string },
  { sealed, ...wait }: StoredWait,
): Wait {
  return sealed === null ? wait : { ...wait, state: openState(seal, sealed, tenantId, wait) };
}

/** Returns the state of a wait with its original contents. */
export function openState(
  seal: Seal,
  sealed: Buffer,
  tenantId: string,
  { userId, waitId, state }: { readonly userId: string; readonly waitId: string; readonly state: WaitState },
): WaitState {
  const original = openDocument(seal, sealed, documentRow('waits', tenantId, userId, waitId));
  if (!original) return { ...state, trigger: { ...state.trigger, unreadable: true } };
  const { properties, traits, context, ...others } = original as JsonObject & WaitContent;
  return { ...state, ...others, trigger: { ...state.trigger, properties, traits, ...(context && { context }) } };
}
