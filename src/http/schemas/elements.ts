import { z } from 'zod';

export const elementParams = z.object({ file: z.string().max(100) });
export const elementQuery = z.looseObject({});
