import { Loader, Modal } from '@mantine/core';
import { useNavigate } from 'react-router';
import { change, requestUrl, resourcePath } from '../api/api-client.js';
import type { App, ChangeResult, JsonObject } from '../api/api-types.js';
import { useRunChange } from '../api/changes.js';
import { useApp } from '../api/queries.js';
import { ErrorPanel } from '../shell/states.js';
import { editableDefinition, NEW_APP } from './app-form.js';
import type { ApiCall } from './curl-command.js';
import { DefinitionForm } from './definition-form.js';

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
    <Modal
      opened
      onClose={onClose}
      title={mode.kind === 'edit' ? `Edit ${mode.appId}` : 'Create application'}
      size="lg"
      closeOnClickOutside={false}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      {sourceId === undefined ? (
        <Editor mode={mode} initial={NEW_APP} onClose={onClose} />
      ) : (
        <LoadedEditor sourceId={sourceId} mode={mode} onClose={onClose} />
      )}
    </Modal>
  );
}

function LoadedEditor(props: DefinitionDialogProps & { readonly sourceId: string }) {
  const app = useApp(props.sourceId);
  if (!app.data) {
    return app.error ? (
      <ErrorPanel title={`${props.sourceId} cannot be shown`} error={app.error} />
    ) : (
      <Loader aria-label={`Loading ${props.sourceId}`} />
    );
  }
  return <Editor {...props} initial={definitionOf(app.data)} />;
}

function Editor({ mode, initial, onClose }: DefinitionDialogProps & { initial: JsonObject }) {
  const run = useRunChange();
  const navigate = useNavigate();
  const isEdit = mode.kind === 'edit';

  const submit = async (app: JsonObject, onError: (error: unknown) => void) => {
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
