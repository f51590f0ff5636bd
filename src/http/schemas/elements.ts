import { z } from 'zod';
import { listOf } from './common.ts';

export const elementParams = z.object({ file: z.string().max(100) });
export const elementQuery = z.looseObject({});

export const elementIntegrity = z.object({
  scripts: listOf(z.object({ name: z.string(), url: z.string(), integrity: z.string(), bytes: z.int() })),
});

/** A script, a page or a style sheet. */
export const elementFile = z.string();
