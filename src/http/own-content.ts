/** Returns a request in the one form in which it is stored: of its content, `message` is another name of `text`. */
export function keepContent<T extends { readonly content?: object | undefined }>({ content, ...request }: T): object {
  if (!content) return request;
  const { message, ...parts } = content as { readonly message?: string };
  return { ...request, content: message === undefined ? parts : { ...parts, text: message } };
}
