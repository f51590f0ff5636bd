import { Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import { changeFile, type Draft } from '../rules/draft.ts';
import { ConfirmButton } from '../shell/ConfirmButton.tsx';
import { t } from '../text/text.ts';
import { folderOf } from './places.ts';

interface AddFileButtonProps {
  readonly draft: Draft;
  /** Notification type. */
  readonly name: string;
  readonly onAdd: (path: string) => void;
}

/** Button that adds a file to the templates of a type: another part, channel or locale. */
export function AddFileButton({ draft, name, onAdd }: AddFileButtonProps) {
  const [file, setFile] = useState('');
  const path = folderOf(name) + file.trim();
  // A file in another locale begins as that in the default one, to be translated.
  const original = draft.files[path.replace(/^(.*\/[^./]+)\.[^.@/]+/, '$1.en')];
  return (
    <ConfirmButton
      needs="catalog:write"
      label={t('Add a file')}
      isFilled={/^[^./]+\.[^/]+\.[^./]+$/.test(file.trim()) && draft.files[path] === undefined}
      act={async () => {
        changeFile(draft, path, original ?? '\n');
        onAdd(path);
        setFile('');
        return t('The file is part of the draft.');
      }}
      testId="add-file"
    >
      <Text size="sm">
        {t(
          'A part of a message is a file: email.pt.html, email.pt.subject.txt, sms.pt.txt, push.pt.title.txt. One in another locale begins as the one in en.',
        )}
      </Text>
      <TextInput
        label={t('Name of the file')}
        value={file}
        onChange={(event) => setFile(event.currentTarget.value)}
        placeholder="email.pt.subject.txt"
        autoComplete="off"
        data-testid="add-file-name"
      />
    </ConfirmButton>
  );
}
