/** The one function of Vue that the wrappers use; an app has the types of its own Vue. */
declare module 'vue' {
  export function h(tag: string, props: { readonly [name: string]: unknown }, children?: unknown): unknown;
}
