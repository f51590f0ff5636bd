import { define } from './element.ts';
import { TidingsPreferences } from './preferences.ts';
import { TidingsProvider } from './provider.ts';

export { TidingsPreferences, TidingsProvider };

// The provider first: the other looks for it.
define('tidings-provider', TidingsProvider);
define('tidings-preferences', TidingsPreferences);
