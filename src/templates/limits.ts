/* Limits of one template. A template that exceeds a limit is rejected, or fails to render with a sentence. */

/** Maximum source of one part, in characters. */
export const MAX_SOURCE_CHARS = 256 * 1024;
/** Maximum number of `{{…}}` in one part. */
export const MAX_MUSTACHES = 2000;
/** Maximum output of one part, in characters. */
export const MAX_OUTPUT_CHARS = 512 * 1024;
/** Maximum number of items of one `{{#each}}`. */
export const MAX_EACH_ITEMS = 1000;
/** Maximum nesting of blocks, and of subexpressions. */
export const MAX_NESTING = 16;
/** Maximum nesting of `{{#each}}`. */
export const MAX_EACH_NESTING = 3;
/** Maximum number of statements and helper calls of one part; long texts passed to a helper count more. */
export const MAX_STEPS = 200_000;
/** Maximum length of a subject, in characters; longer ones are truncated. */
export const MAX_SUBJECT_CHARS = 255;
/** Maximum number of values of a structured part (data, inbox, actions, blocks, attachments), and of its nesting. */
export const MAX_STRUCTURE_VALUES = 1000;
export const MAX_STRUCTURE_DEPTH = 16;
/** Maximum nesting of partials, a layout included, and their number in one part. */
export const MAX_PARTIAL_DEPTH = 8;
export const MAX_PARTIALS = 500;
/** Maximum number of variables that a catalog, or a type of notification, declares. */
export const MAX_VARIABLES = 100;
