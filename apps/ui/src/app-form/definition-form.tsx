import { Button, Group, Tabs, Textarea } from '@mantine/core';
import { type FormEvent, type KeyboardEvent, type ReactNode, useState } from 'react';
import type { JsonObject } from '../api/api-types.js';
import { CopyButton } from '../shell/copy-button.js';
import { ClassicFields } from './classic-fields.js';
import { type ApiCall, curlCommand } from './curl-command.js';
import { mapServerErrors, type ServerErrors } from './server-errors.js';
import { type Draft, useDraft } from './use-draft.js';

interface DefinitionFormProps {
  readonly initial: JsonObject;
  readonly isIdFixed: boolean;
  readonly submitText: string;
  /** What has to be decided before anything is sent. */
  readonly warning: ReactNode;
  readonly callFor: (app: JsonObject) => ApiCall;
  readonly onSubmit: (app: JsonObject, onError: (error: unknown) => void) => Promise<void>;
  readonly onCancel: () => void;
}

export function DefinitionForm(props: DefinitionFormProps) {
  const draft = useDraft(props.initial);
  const [server, setServer] = useState<ServerErrors>();
  const [isSending, setSending] = useState(false);

  const submit = async (event?: FormEvent) => {
    event?.preventDefault();
    const app = draft.complete();
    if (!app || isSending || props.warning) {
      return;
    }
    setServer(undefined);
    setSending(true);
    await props.onSubmit(app, (error) => setServer(mapServerErrors(error)));
    setSending(false);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      void submit();
    }
  };

  return (
    <form onSubmit={(event) => void submit(event)} onKeyDown={onKeyDown} noValidate>
      <Tabs
        value={draft.view}
        onChange={(view) => draft.setView(view === 'json' ? 'json' : 'form')}
        keepMounted={false}
      >
        <Tabs.List mb="md">
          <Tabs.Tab value="form">Form</Tabs.Tab>
          <Tabs.Tab value="json">JSON</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="form">
          <ClassicFields
            draft={draft}
            isIdFixed={props.isIdFixed}
            serverErrors={server?.fields ?? {}}
          />
        </Tabs.Panel>
        <Tabs.Panel value="json">
          <JsonEditor draft={draft} />
        </Tabs.Panel>
      </Tabs>
      {!isSending && props.warning}
      {server && <ServerErrorList errors={server} isForm={draft.view === 'form'} />}
      <Group justify="space-between" className="pc-dialog-foot">
        <span className="pc-wide">
          <CopyButton text={() => curlCommand(props.callFor(draft.peek()))}>
            Copy as curl
          </CopyButton>
        </span>
        <Group gap="xs" ml="auto">
          <Button variant="default" onClick={props.onCancel}>
            Cancel
          </Button>
          <Button type="submit" loading={isSending} disabled={Boolean(props.warning)}>
            {props.submitText}
          </Button>
        </Group>
      </Group>
    </form>
  );
}

function JsonEditor({ draft }: { readonly draft: Draft }) {
  return (
    <Textarea
      label="App definition"
      description="Any field of the API. What the form does not show is kept."
      autosize
      minRows={14}
      spellCheck={false}
      classNames={{ input: 'pc-code-input pc-json-input' }}
      value={draft.json}
      error={draft.jsonError}
      onChange={(event) => draft.setJson(event.currentTarget.value)}
      data-autofocus
    />
  );
}

const bringIntoView = (element: HTMLElement | null): void => {
  element?.scrollIntoView({ block: 'nearest' });
};

/** In the form, errors with a field stand at the field; here are the others. In JSON all are here. */
function ServerErrorList(props: { readonly errors: ServerErrors; readonly isForm: boolean }) {
  const { errors, isForm } = props;
  const atFields = Object.entries(errors.fields).map(([field, text]) => ({
    path: `/${field}`,
    errors: [text],
  }));
  const listed = isForm ? errors.others : [...atFields, ...errors.others];
  return (
    <div className="pc-alert" role="alert" ref={bringIntoView}>
      <strong>{errors.message}</strong>
      {listed.length > 0 && (
        <ul className="pc-errors">
          {listed.map((detail) => (
            <li key={detail.path}>
              <code>{detail.path}</code> {detail.errors.join('; ')}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
