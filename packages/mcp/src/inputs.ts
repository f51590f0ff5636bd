import { z } from 'zod';

/* Arguments that several tools have. */

const MAX_FILES = 500;
const MAX_FILES_CHARS = 5_000_000;

/** An id, of a user or anything else. */
export const id = z.string().min(1).max(256);

/** Files of a catalog. */
export const catalogFiles = z
  .record(z.string().min(1).max(512), z.string())
  .refine((files) => Object.keys(files).length <= MAX_FILES, `at most ${MAX_FILES} files`)
  .refine((files) => Object.values(files).join('').length <= MAX_FILES_CHARS, `at most ${MAX_FILES_CHARS} characters`)
  .describe('Path in the folder of the catalog, such as events.yaml, to text');
