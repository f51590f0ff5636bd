export function ensureConsole(): Promise<void>;
export function ensureElements(): Promise<void>;
export function ensureFolderInstalled(folder: string): Promise<boolean>;
