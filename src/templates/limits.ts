/** What one template may cost. A template over a limit is refused or fails with a sentence; it never runs away. */

/** Characters of one part's source. */
export const MAX_SOURCE = 256 * 1024;
/** `{{…}}` in one part. */
export const MAX_MUSTACHES = 2000;
/** Characters one part may render to. */
export const MAX_OUTPUT = 512 * 1024;
/** Items one `{{#each}}` goes over. */
export const MAX_ITEMS = 1000;
/** Blocks within blocks, and subexpressions within subexpressions. */
export const MAX_NESTING = 16;
/** `{{#each}}` within `{{#each}}`. */
export const MAX_LOOPS = 3;
/** Statements and helper calls of one part; long texts given to a helper count more. */
export const MAX_STEPS = 200_000;
/** Characters of a subject; longer ones are cut. */
export const MAX_SUBJECT = 255;
