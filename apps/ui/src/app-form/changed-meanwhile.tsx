import { Button, Group } from '@mantine/core';
import { Fragment } from 'react';
import { formatTimestamp } from '../format/durations.js';

interface ChangedMeanwhileProps {
  readonly version: string | undefined;
  /** Not empty. */
  readonly fields: readonly string[];
  readonly onReload: () => void;
  readonly onKeep: () => void;
}

const bringIntoView = (element: HTMLElement | null): void => {
  element?.scrollIntoView({ block: 'nearest' });
};

/** Somebody else changed the app under the draft; the reader decides which of the two goes. */
export function ChangedMeanwhile({ version, fields, onReload, onKeep }: ChangedMeanwhileProps) {
  return (
    <div className="pc-alert pc-alert--warn" role="alert" ref={bringIntoView}>
      <strong>This application was changed meanwhile</strong>
      <p>
        Version {formatTimestamp(version)} differs in{' '}
        {fields.map((field, index) => (
          <Fragment key={field}>
            {index > 0 && ', '}
            <code>{field}</code>
          </Fragment>
        ))}
        . Deploying your draft as it is would undo that; loading the new version drops your edits.
      </p>
      <Group gap="xs">
        <Button size="compact-xs" onClick={onReload}>
          Load the new version
        </Button>
        <Button size="compact-xs" variant="default" onClick={onKeep}>
          Keep my edits
        </Button>
      </Group>
    </div>
  );
}
