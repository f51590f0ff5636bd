import { chooseLanguage, getLanguage, LANGUAGES, type Language } from '../text/language.ts';
import { t } from '../text/text.ts';

/** Choice of the language of the console, which this browser keeps. */
export function LanguageSwitch() {
  return (
    <select
      className="language"
      aria-label={t('Language')}
      title={t('Language of the console. Reasons and messages keep their own.')}
      value={getLanguage()}
      onChange={({ target }) => chooseLanguage(target.value as Language)}
    >
      {Object.entries(LANGUAGES).map(([language, name]) => (
        <option key={language} value={language} lang={language}>
          {name}
        </option>
      ))}
    </select>
  );
}
