import { z } from 'zod';
import { PATH } from './read-path.ts';

/** Schema of a path to a place in JSON. */
export const path = () => z.string().regex(PATH, { error: 'must be a path such as messages.0.id' });

/** Schema of the name of a header. */
export const headerName = () => z.string().regex(/^[A-Za-z0-9-]{1,64}$/, { error: 'must be the name of a header' });

/** Headers that the client writes. */
const OWN_HEADERS = /^(?:host|content-length|transfer-encoding|connection|keep-alive|upgrade|expect|te|trailer)$/i;

/** Schema of the name of a header that does not belong to the connection. */
export const freeHeaderName = () =>
  headerName().refine((name) => !OWN_HEADERS.test(name), {
    error: 'must not be a header that belongs to the connection',
  });
