/** Header of the answer to `/healthz/live`: `agrees`, or the headers of the request that disagree with the public URL. */
export const PUBLIC_URL_HEADER = 'x-tidings-public-url';
