import { Loader } from '@mantine/core';
import type { JsonObject } from '../api/api-types.js';
import { useInfo } from '../api/queries.js';
import { Dialog } from './dialog.js';
import { JsonView } from './json-view.js';
import { ErrorPanel } from './states.js';

/** Who answers: the version, the leader, and the configuration as the API tells it. */
export function AboutDialog({ onClose }: { readonly onClose: () => void }) {
  const info = useInfo();
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['Name', info.data?.name],
    ['Version', info.data?.version],
    ['Build', info.data?.buildref],
    ['Leader', info.data?.leader],
    ['Elected', info.data?.elected === undefined ? undefined : info.data.elected ? 'yes' : 'no'],
    ['Framework id', info.data?.frameworkId],
  ];
  return (
    <Dialog onClose={onClose} title="About this cluster" size="lg">
      {info.error && <ErrorPanel title="No information" error={info.error} />}
      {info.isPending && <Loader aria-label="Loading" />}
      {info.data && (
        <>
          <dl className="pc-facts">
            {facts.map(([name, value]) => (
              <div key={name}>
                <dt>{name}</dt>
                <dd className="pc-mono">{value ?? '—'}</dd>
              </div>
            ))}
          </dl>
          <Configuration title="Configuration" value={info.data.marathon_config} />
          <Configuration title="HTTP" value={info.data.http_config} />
        </>
      )}
    </Dialog>
  );
}

function Configuration(props: { readonly title: string; readonly value: JsonObject | undefined }) {
  if (!props.value) {
    return null;
  }
  return (
    <details className="pc-details">
      <summary>{props.title}</summary>
      <JsonView label={props.title} value={props.value} />
    </details>
  );
}
