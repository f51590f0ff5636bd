/** The files of a catalog: path inside its folder, with `/` as the separator, to text. */
export type CatalogFiles = ReadonlyMap<string, string>;
