import { define } from './element.ts';
import { TidingsToast } from './toast.ts';

export * from './with-inbox.ts';
export { TidingsPreferences } from './with-preferences.ts';
export { TidingsToast };

define('tidings-toast', TidingsToast);
