import { Loader } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { useNavigate } from 'react-router';
import { change, requestUrl, resourcePath } from '../api/api-client.js';
import type { App, ChangeResult, JsonObject } from '../api/api-types.js';
import { useRunChange } from '../api/changes.js';
import { Dialog } from '../shell/dialog.js';
import { ErrorPanel } from '../shell/states.js';
import { editableDefinition, NEW_APP } from './app-form.js';
import { changedFields } from './changed-fields.js';
import { ChangedMeanwhile } from './changed-meanwhile.js';
import type { ApiCall } from './curl-command.js';
import { DefinitionForm } from './definition-form.js';
import { useFreshApp } from './use-fresh-app.js';

export type DefinitionMode =
  | { readonly kind: 'create'; readonly copyOf: string | undefined }
  | { readonly kind: 'edit'; readonly appId: string };

interface DefinitionDialogProps {
  readonly mode: DefinitionMode;
  readonly onClose: () => void;
}

/** Creates an app, or edits one, as a form or as JSON. */
export function DefinitionDialog({ mode, onClose }: DefinitionDialogProps) {
  const sourceId = mode.kind === 'edit' ? mode.appId : mode.copyOf;
  return (
    <Dialog
      onClose={onClose}
      title={mode.kind === 'edit' ? `Edit ${mode.appId}` : 'Create application'}
      size="lg"
      closeOnClickOutside={false}
    >
      {sourceId === undefined ? (
        <Editor mode={mode} initial={NEW_APP} isOutdated={neverOutdated} onClose={onClose} />
      ) : (
        <LoadedEditor sourceId={sourceId} mode={mode} onClose={onClose} />
      )}
    </Dialog>
  );
}

function LoadedEditor(props: DefinitionDialogProps & { readonly sourceId: string }) {
  const { app, error, readAgain } = useFreshApp(props.sourceId);
  if (!app) {
    return error ? (
      <ErrorPanel title={`${props.sourceId} cannot be shown`} error={error} />
    ) : (
      <Loader aria-label={`Loading ${props.sourceId}`} />
    );
  }
  return props.mode.kind === 'edit' ? (
    <GuardedEditor {...props} app={app} readAgain={readAgain} />
  ) : (
    <Editor {...props} initial={definitionOf(app)} isOutdated={neverOutdated} />
  );
}

interface GuardedEditorProps extends DefinitionDialogProps {
  /** As it is now; changes while the draft is written. */
  readonly app: App;
  readonly readAgain: () => Promise<App | undefined>;
}

/** Holds a draft back once the app is no longer what the reader has seen of it, until they decide. */
function GuardedEditor({ app, readAgain, ...props }: GuardedEditorProps) {
  const [drafted, setDrafted] = useState(app);
  const [seen, setSeen] = useState(app);
  const changed = changedFields(definitionOf(seen), definitionOf(app));
  const isOutdated = async () => {
    const now = await readAgain();
    return now !== undefined && changedFields(definitionOf(seen), definitionOf(now)).length > 0;
  };
  const reload = () => {
    setDrafted(app);
    setSeen(app);
  };
  return (
    <Editor
      {...props}
      key={drafted.version ?? ''}
      initial={definitionOf(drafted)}
      isOutdated={isOutdated}
      warning={
        changed.length > 0 && (
          <ChangedMeanwhile
            version={app.version}
            fields={changed}
            onReload={reload}
            onKeep={() => setSeen(app)}
          />
        )
      }
    />
  );
}

interface EditorProps extends DefinitionDialogProps {
  readonly initial: JsonObject;
  /** Asked right before sending. Throws when that cannot be found out. */
  readonly isOutdated: () => Promise<boolean>;
  readonly warning?: ReactNode;
}

const neverOutdated = async (): Promise<boolean> => false;

function Editor({ mode, initial, isOutdated, warning, onClose }: EditorProps) {
  const run = useRunChange();
  const navigate = useNavigate();
  const isEdit = mode.kind === 'edit';

  const submit = async (app: JsonObject, onError: (error: unknown) => void) => {
    try {
      if (await isOutdated()) {
        return;
      }
    } catch (error) {
      onError(error);
      return;
    }
    const id = isEdit ? mode.appId : String(app['id']);
    const isDone = await run({
      label: `${isEdit ? 'Edit' : 'Create'} ${id}`,
      send: ({ force }) => sendDefinition(mode, app, force),
      onError,
    });
    if (isDone) {
      void navigate(`/apps/${id.replace(/^\/+/, '')}`);
    }
  };

  return (
    <DefinitionForm
      initial={initial}
      isIdFixed={isEdit}
      submitText={isEdit ? 'Deploy changes' : 'Create'}
      warning={warning || undefined}
      callFor={(app) => callFor(mode, app)}
      onSubmit={submit}
      onCancel={onClose}
    />
  );
}

function sendDefinition(
  mode: DefinitionMode,
  app: JsonObject,
  force: boolean,
): Promise<ChangeResult> {
  if (mode.kind === 'create') {
    return change('POST', '/v2/apps', { body: app, force });
  }
  // The whole definition: a field removed here goes back to its default.
  const query = { partialUpdate: false };
  return change('PUT', resourcePath('/v2/apps', mode.appId), { body: app, query, force });
}

function callFor(mode: DefinitionMode, app: JsonObject): ApiCall {
  const origin = window.location.origin;
  if (mode.kind === 'create') {
    return { method: 'POST', url: requestUrl(`${origin}/v2/apps`, { strict: true }), body: app };
  }
  const path = `${origin}${resourcePath('/v2/apps', mode.appId)}`;
  return {
    method: 'PUT',
    url: requestUrl(path, { partialUpdate: false, strict: true }),
    body: app,
  };
}

/** The answer of the API is JSON by origin; the type only names the part of it the UI reads. */
function definitionOf(app: App): JsonObject {
  return editableDefinition(app as unknown as JsonObject);
}
