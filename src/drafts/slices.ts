import { setImmediate as yieldToOthers } from 'node:timers/promises';
import type { Millis } from '../model/event.ts';

/** Time (ms) that the work on a draft keeps the event loop to itself. */
const SLICE_MS: Millis = 25;

/** Returns a function that lets others work when a slice of time is over. */
export function cutIntoSlices(): () => Promise<void> {
  let end = performance.now() + SLICE_MS;
  return async () => {
    if (performance.now() < end) return;
    await yieldToOthers();
    end = performance.now() + SLICE_MS;
  };
}
