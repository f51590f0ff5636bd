import { autocompletion, type CompletionSource, completionKeymap } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { yaml } from '@codemirror/lang-yaml';
import {
  bracketMatching,
  HighlightStyle,
  indentOnInput,
  StreamLanguage,
  syntaxHighlighting,
} from '@codemirror/language';
import { type Diagnostic, lintGutter, lintKeymap, setDiagnostics } from '@codemirror/lint';
import { Compartment, EditorState } from '@codemirror/state';
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import type { DraftCheck } from '@tidings/client/types';
import { useEffect, useRef } from 'react';
import { templateParser } from './template-parser.ts';

interface SourceEditorProps {
  readonly label: string;
  /** Text to begin with. A change of it that was not made here replaces what is shown. */
  readonly text: string;
  /** Problems of this file. */
  readonly problems: DraftCheck['problems'];
  /** Language of the file: that of the catalog, or that of texts with `{{…}}`. */
  readonly language: 'yaml' | 'template';
  readonly complete: CompletionSource;
  readonly isReadOnly: boolean;
  /** Line (from 1) to show; a new object shows it again. */
  readonly shown: { readonly line: number };
  /** Text to insert at the cursor; a new object inserts it again. Absent: none. */
  readonly inserted?: { readonly text: string } | undefined;
  readonly onChange: (text: string) => void;
}

/** An editor of a file of a catalog, with the problems that the checker found and names of the catalog to choose from. */
export function SourceEditor({
  label,
  text,
  problems,
  language,
  complete,
  isReadOnly,
  shown,
  inserted,
  onChange,
}: SourceEditorProps) {
  const place = useRef<HTMLDivElement>(null);
  const editor = useRef<EditorView>(null);
  const latest = useRef({ onChange, complete });
  latest.current = { onChange, complete };
  const access = useRef(new Compartment());
  // biome-ignore lint/correctness/useExhaustiveDependencies: the editor is made once; what changes later is given to it below
  useEffect(() => {
    const view = new EditorView({
      parent: place.current as HTMLDivElement,
      state: EditorState.create({
        doc: text,
        extensions: [
          lineNumbers(),
          lintGutter(),
          history(),
          drawSelection(),
          indentOnInput(),
          bracketMatching(),
          highlightActiveLine(),
          language === 'yaml' ? yaml() : StreamLanguage.define(templateParser),
          syntaxHighlighting(HIGHLIGHTS),
          autocompletion({ override: [(context) => latest.current.complete(context)] }),
          // The Tab key moves the focus, as everywhere else.
          keymap.of([...completionKeymap, ...defaultKeymap, ...historyKeymap, ...lintKeymap]),
          EditorView.lineWrapping,
          // A source that cannot be edited is reached by the keyboard all the same, to scroll it.
          EditorView.contentAttributes.of({ 'aria-label': label, tabindex: '0', 'data-testid': 'source' }),
          access.current.of([]),
          THEME,
          EditorView.updateListener.of((update) => {
            if (update.docChanged) latest.current.onChange(update.state.doc.toString());
          }),
        ],
      }),
    });
    editor.current = view;
    return () => view.destroy();
  }, []);
  useEffect(() => {
    const readOnly = [EditorState.readOnly.of(isReadOnly), EditorView.editable.of(!isReadOnly)];
    editor.current?.dispatch({ effects: access.current.reconfigure(readOnly) });
  }, [isReadOnly]);
  useEffect(() => {
    const view = editor.current;
    if (!view || view.state.doc.toString() === text) return;
    view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } });
  }, [text]);
  useEffect(() => {
    const view = editor.current;
    if (view) view.dispatch(setDiagnostics(view.state, problems.map(toDiagnostic(view.state))));
  }, [problems]);
  useEffect(() => {
    const view = editor.current;
    if (!view) return;
    const { from } = view.state.doc.line(Math.min(shown.line, view.state.doc.lines));
    view.dispatch({
      selection: { anchor: from },
      effects: EditorView.scrollIntoView(from, { y: 'start', yMargin: 12 }),
    });
  }, [shown]);
  useEffect(() => {
    const view = editor.current;
    if (!view || inserted === undefined || view.state.readOnly) return;
    view.dispatch(view.state.replaceSelection(inserted.text), { scrollIntoView: true });
    view.focus();
  }, [inserted]);
  return <div ref={place} className="source-editor" />;
}

function toDiagnostic({ doc }: EditorState) {
  return ({ line, column, message, hint, severity, code }: DraftCheck['problems'][number]): Diagnostic => {
    const at = doc.line(Math.min(Math.max(line, 1), doc.lines));
    const from = Math.min(at.from + Math.max(column, 1) - 1, at.to);
    const word = /^[\w.@-]+/.exec(doc.sliceString(from, at.to))?.[0].length ?? 1;
    return {
      from,
      to: Math.min(from + word, at.to),
      severity,
      source: code,
      message: hint === undefined ? message : `${message} (${hint})`,
    };
  };
}

const HIGHLIGHTS = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: 'var(--source-key)', fontWeight: '600' },
  { tag: [tags.string, tags.special(tags.string)], color: 'var(--source-text)' },
  { tag: [tags.comment, tags.lineComment], color: 'var(--mantine-color-dimmed)', fontStyle: 'italic' },
  { tag: [tags.tagName, tags.attributeName], color: 'var(--source-key)' },
  { tag: [tags.number, tags.bool, tags.keyword], color: 'var(--source-number)' },
]);

const THEME = EditorView.theme({
  '&': { backgroundColor: 'var(--mantine-color-body)', color: 'var(--mantine-color-text)', fontSize: '13px' },
  '.cm-content': { fontFamily: 'var(--mantine-font-family-monospace)', caretColor: 'var(--mantine-color-text)' },
  '.cm-cursor': { borderLeftColor: 'var(--mantine-color-text)' },
  '.cm-gutters': {
    backgroundColor: 'var(--soft)',
    color: 'var(--mantine-color-dimmed)',
    borderRight: 'var(--source-border)',
  },
  '.cm-activeLine': { backgroundColor: 'var(--soft)' },
  '.cm-scroller': { overflow: 'auto', maxHeight: '70vh' },
  '.cm-tooltip': {
    backgroundColor: 'var(--mantine-color-body)',
    color: 'var(--mantine-color-text)',
    border: 'var(--source-border)',
  },
  '.cm-tooltip-autocomplete ul li[aria-selected]': {
    backgroundColor: 'var(--mantine-primary-color-filled)',
    color: 'var(--mantine-color-white)',
  },
});
