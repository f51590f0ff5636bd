export function ensureBroker(): string | undefined;
export function ensureNode(): string | undefined;
export function copyFolder(name: string, to: string, make: (folder: string) => void): void;
