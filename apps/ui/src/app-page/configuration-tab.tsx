import { Button, NativeSelect } from '@mantine/core';
import { useState } from 'react';
import { MayChange } from '../api/access.js';
import { change, resourcePath } from '../api/api-client.js';
import { describeError } from '../api/api-error.js';
import type { App, JsonObject } from '../api/api-types.js';
import { useRunChange } from '../api/changes.js';
import { useVersion, useVersions } from '../api/queries.js';
import { editableDefinition } from '../app-form/app-form.js';
import { formatAge, formatTimestamp } from '../format/durations.js';
import { CopyButton } from '../shell/copy-button.js';
import { Icon } from '../shell/icons.js';
import { JsonView } from '../shell/json-view.js';
import { useModal } from '../shell/modal-address.js';
import { ErrorPanel, LoadingRows } from '../shell/states.js';
import { useNow } from '../shell/use-now.js';

/** The definition now or at an older version, to read, copy, edit or go back to. */
export function ConfigurationTab({ app }: { readonly app: App }) {
  const versions = useVersions(app.id);
  const nowMs = useNow();
  const [chosen, setChosen] = useState('');
  const old = useVersion(app.id, chosen === '' ? undefined : chosen);
  const older = [...(versions.data ?? [])]
    .filter((v) => v !== app.version)
    .sort()
    .reverse();
  // The API sends JSON; the type only names the part of it the UI reads.
  const current = app as unknown as JsonObject;
  const shown = chosen === '' ? editableDefinition(current) : old.data;

  return (
    <div className="pc-config">
      <div className="pc-config-bar">
        <NativeSelect
          aria-label="Version"
          value={chosen}
          onChange={(event) => setChosen(event.currentTarget.value)}
          data={[
            { value: '', label: `Current (${formatTimestamp(app.version)})` },
            ...older.map((v) => ({
              value: v,
              label: `${formatTimestamp(v)} (${formatAge(v, nowMs)} ago)`,
            })),
          ]}
        />
        {versions.isPending && (
          <span className="pc-dim" role="status">
            Reading older versions…
          </span>
        )}
        {versions.error && (
          <span className="pc-bad" role="alert">
            Older versions cannot be read: {describeError(versions.error)}
          </span>
        )}
        <MayChange>
          <ConfigurationButtons app={app} chosen={chosen} onRolledBack={() => setChosen('')} />
        </MayChange>
        {shown && (
          <CopyButton text={() => JSON.stringify(shown, undefined, 2)}>Copy JSON</CopyButton>
        )}
      </div>
      {shown ? (
        <JsonView label="App definition" value={shown} />
      ) : old.error ? (
        <ErrorPanel title="This version cannot be shown" error={old.error} />
      ) : (
        <LoadingRows label="Loading the version" />
      )}
    </div>
  );
}

interface ConfigurationButtonsProps {
  readonly app: App;
  readonly chosen: string;
  readonly onRolledBack: () => void;
}

function ConfigurationButtons({ app, chosen, onRolledBack }: ConfigurationButtonsProps) {
  const modal = useModal();
  const run = useRunChange();
  if (chosen === '') {
    return (
      <Button
        variant="default"
        leftSection={<Icon name="edit" />}
        onClick={() => modal.open('edit', app.id)}
      >
        Edit configuration
      </Button>
    );
  }
  const rollBack = async () => {
    const isDone = await run({
      label: `Roll ${app.id} back to ${formatTimestamp(chosen)}`,
      send: ({ force }) =>
        change('PUT', resourcePath('/v2/apps', app.id), { body: { version: chosen }, force }),
    });
    if (isDone) {
      onRolledBack();
    }
  };
  return (
    <Button leftSection={<Icon name="rollback" />} onClick={() => void rollBack()}>
      Apply this version
    </Button>
  );
}
