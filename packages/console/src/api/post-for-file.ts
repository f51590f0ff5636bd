import { buildHeaders, parse, throwUnreachable, toProblem } from './call.ts';

/**
 * Posts an object, and returns the file of the answer.
 * @throws Problem if the API cannot be reached or returns an error
 */
export async function postForFile(path: string, content: object): Promise<Blob> {
  const headers = buildHeaders({ accept: '*/*', 'content-type': 'application/json' });
  const request = fetch(`/api/v1/${path}`, { method: 'POST', headers, body: JSON.stringify(content) });
  const response = await request.catch(throwUnreachable);
  // A file that breaks off is no file.
  if (response.ok) return response.blob().catch(throwUnreachable);
  throw toProblem(response.status, parse(await response.text()), 'POST');
}
