import { NativeSelect } from '@mantine/core';
import { useSearchParams } from 'react-router';
import type { App } from '../api/api-types.js';
import { useSandboxFiles } from '../api/queries.js';
import { sortTasks, taskStateWords } from '../app-page/task-view.js';
import { EmptyPanel } from '../shell/states.js';
import { LogViewer } from './log-viewer.js';

const STANDARD_FILES = ['stdout', 'stderr'];

/** One file of one instance's sandbox, chosen in the address so that it can be linked. */
export function LogsTab({ app }: { readonly app: App }) {
  const [params, setParams] = useSearchParams();
  const tasks = sortTasks(app.tasks ?? []);
  // An app that fails at once has no instance; what it wrote last is what one came for.
  const taskId = params.get('task') ?? tasks[0]?.id ?? app.lastTaskFailure?.taskId;
  const file = params.get('file') ?? 'stdout';
  const files = useSandboxFiles(taskId);
  if (taskId === undefined) {
    return <EmptyPanel icon="logs" title="No logs" text="No instance is there to show logs of." />;
  }

  const choose = (name: 'task' | 'file', value: string) =>
    setParams(
      (current) => {
        const next = new URLSearchParams(current);
        next.set(name, value);
        return next;
      },
      { replace: true },
    );
  const options = tasks.map((t) => ({
    value: t.id,
    label: `${t.id} (${taskStateWords(t.state)})`,
  }));
  if (!tasks.some((t) => t.id === taskId)) {
    options.unshift({ value: taskId, label: `${taskId} (ended)` });
  }
  const names = [...new Set([...STANDARD_FILES, ...(files.data ?? []), file])];

  return (
    <LogViewer key={`${taskId} ${file}`} source={{ taskId, path: file }}>
      <NativeSelect
        className="pc-log-task"
        aria-label="Instance"
        value={taskId}
        data={options}
        onChange={(event) => choose('task', event.currentTarget.value)}
      />
      <NativeSelect
        aria-label="File"
        value={file}
        data={names}
        onChange={(event) => choose('file', event.currentTarget.value)}
      />
    </LogViewer>
  );
}
